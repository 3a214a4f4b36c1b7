-- Views for people who read nightbill's ledger with DuckDB.
--
--   SET VARIABLE output = 'out';          -- the job's output directory, or 's3://bucket/ledger'
--   .read docs/queries.sql
--   SELECT item, sum(amount) FROM bills_now GROUP BY item;
--
-- What a batch posted counts only once the batch is committed and published, so every view is filtered on `_batches`.
-- Tables that add up over batches (usage_daily, bill_lines, bills, deductions) are summed by their plain key: a correction
-- is rows of a later batch that change the sum. Snapshots (grants, accounts, flags) are read from the latest batch.

-- Committed and published batches, with the billing day that each one settles.
CREATE OR REPLACE VIEW batches AS
SELECT batch, CAST(day AS DATE) AS day
FROM read_json(getvariable('output') || '/_batches/*.json', columns = {batch: 'VARCHAR', day: 'VARCHAR'})
WHERE batch IN (
    SELECT regexp_extract(file, '([^/\\]+)\.published$', 1)
    FROM glob(getvariable('output') || '/_batches/*.published')
);

-- Every row of each table that counts, with the batch that posted it.
CREATE OR REPLACE VIEW usage_daily AS
SELECT * FROM read_parquet(getvariable('output') || '/usage_daily/*/*.parquet', hive_partitioning = true, hive_types_autocast = false)
WHERE batch IN (SELECT batch FROM batches);
CREATE OR REPLACE VIEW bill_lines AS
SELECT * FROM read_parquet(getvariable('output') || '/bill_lines/*/*.parquet', hive_partitioning = true, hive_types_autocast = false)
WHERE batch IN (SELECT batch FROM batches);
CREATE OR REPLACE VIEW bills AS
SELECT * FROM read_parquet(getvariable('output') || '/bills/*/*.parquet', hive_partitioning = true, hive_types_autocast = false)
WHERE batch IN (SELECT batch FROM batches);
CREATE OR REPLACE VIEW deductions AS
SELECT * FROM read_parquet(getvariable('output') || '/deductions/*/*.parquet', hive_partitioning = true, hive_types_autocast = false)
WHERE batch IN (SELECT batch FROM batches);
CREATE OR REPLACE VIEW grants AS
SELECT * FROM read_parquet(getvariable('output') || '/grants/*/*.parquet', hive_partitioning = true, hive_types_autocast = false)
WHERE batch IN (SELECT batch FROM batches);
CREATE OR REPLACE VIEW accounts AS
SELECT * FROM read_parquet(getvariable('output') || '/accounts/*/*.parquet', hive_partitioning = true, hive_types_autocast = false)
WHERE batch IN (SELECT batch FROM batches);
CREATE OR REPLACE VIEW flags AS
SELECT * FROM read_parquet(getvariable('output') || '/flags/*/*.parquet', hive_partitioning = true, hive_types_autocast = false)
WHERE batch IN (SELECT batch FROM batches);
CREATE OR REPLACE VIEW rejects AS
SELECT * FROM read_parquet(getvariable('output') || '/rejects/*/*.parquet', hive_partitioning = true, hive_types_autocast = false)
WHERE batch IN (SELECT batch FROM batches);

-- What every bill comes to now: the first posting and its corrections, under the plain bill id.
CREATE OR REPLACE VIEW bills_now AS
SELECT
    coalesce(corrects, bill_id) AS bill_id, account_id, period_start, period_end, item, cadence, currency,
    CAST(sum(exact) AS DECIMAL(38, 9)) AS exact, CAST(sum(amount) AS DECIMAL(18, 2)) AS amount,
    min(issued_at) AS issued_at, count(*) - 1 AS corrections
FROM bills
GROUP BY ALL;

-- What every line comes to now. Price, per and price list are part of the key: a line whose price was corrected shows only the
-- price that stands.
CREATE OR REPLACE VIEW lines_now AS
SELECT
    account_id, sdk_app_id, day, item, tier, unit, unit_price, per, price_list, currency,
    sum(seconds) AS seconds, sum(minutes) AS minutes, sum(free_minutes) AS free_minutes,
    sum(package_minutes) AS package_minutes, sum(payg_minutes) AS payg_minutes,
    sum(unbilled_minutes) AS unbilled_minutes,
    CAST(sum(quantity) AS DECIMAL(18, 6)) AS quantity, CAST(sum(amount) AS DECIMAL(38, 9)) AS amount
FROM bill_lines
GROUP BY account_id, sdk_app_id, day, item, tier, unit, unit_price, per, price_list, currency
HAVING sum(seconds) <> 0 OR sum(minutes) <> 0 OR sum(quantity) <> 0 OR sum(amount) <> 0;

-- Where accounts, grants and flags stand after the latest batch.
CREATE OR REPLACE VIEW accounts_now AS SELECT * FROM accounts WHERE batch = (SELECT max(batch) FROM batches);
CREATE OR REPLACE VIEW grants_now AS SELECT * FROM grants WHERE batch = (SELECT max(batch) FROM batches);
CREATE OR REPLACE VIEW flags_now AS SELECT * FROM flags WHERE batch = (SELECT max(batch) FROM batches);

-- Rejected usage rows: of each day, those of the latest batch that read it.
CREATE OR REPLACE VIEW rejects_now AS
SELECT rejects.*
FROM rejects
WHERE batch = (SELECT max(batch) FROM batches WHERE batches.day = rejects.day);
