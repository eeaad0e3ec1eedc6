-- That a delivery was sent again although an earlier sending may have arrived, which is said with its state for ever.
ALTER TABLE delivery ADD COLUMN doubled INTEGER NOT NULL DEFAULT 0; -- 1 when the device may have it twice
