-- CHV2 of class A0 (reference 02; its PUK 0102) is PIN2 of a UICC (81; 0181): one key, which had an entry for each class. What is
-- worse of the two counts from here on. The entry under 02 stays: in class 00 that is another PIN, and which of them was meant is
-- not known. PUK 00 of class A0 is that of PIN1 in the same way.

INSERT INTO presented_key (iccid, key_ref, state, tries, changed_at)
SELECT iccid,
       CASE key_ref WHEN 2 THEN 129 WHEN 258 THEN 385 ELSE 257 END,
       state, tries, changed_at
FROM presented_key
WHERE key_ref IN (2, 258, 256)
ON CONFLICT (iccid, key_ref) DO UPDATE
SET state = excluded.state, tries = excluded.tries, changed_at = excluded.changed_at
WHERE CASE excluded.state WHEN 'refused' THEN 4 WHEN 'unanswered' THEN 2 + (excluded.tries IS NULL) ELSE 1 END
    > CASE presented_key.state WHEN 'refused' THEN 4 WHEN 'unanswered' THEN 2 + (presented_key.tries IS NULL) ELSE 1 END;
