-- A table of cards may name a device that another card was made for.

CREATE INDEX job_by_imei ON job (imei) WHERE imei IS NOT NULL;
