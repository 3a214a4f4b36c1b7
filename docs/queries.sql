-- Views for people who read nightbill's ledger with DuckDB.
--
--   SET VARIABLE output = 'out';          -- the job's output: a directory, or a URL such as 's3://bucket/ledger'
--   .read docs/queries.sql
--   SELECT item, sum(amount) FROM bills_now GROUP BY item;
--
-- Money is DECIMAL and stays exact in DuckDB, fetchall() and to_arrow_table(); df() would make floats of it.
--
-- What a batch posted counts once the batch is committed and published, so every view is filtered on `_batches`: a batch
-- whose `.published` is still missing is left out whole.
-- Tables that add up over batches (usage_daily, bill_lines, bills, deductions) are summed by their plain key: a correction
-- is rows of a later batch that change the sum. Snapshots (grants, accounts, flags) are read from the latest batch.

-- Committed and published batches, with the billing day that each one settles and its number among the day's postings.
CREATE OR REPLACE VIEW batches AS
SELECT batch, CAST(day AS DATE) AS day, CAST(split_part(batch, '.', 2) AS INTEGER) AS posting
FROM read_json(
    rtrim(getvariable('output'), '/') || '/_batches/*.json',
    columns = {batch: 'VARCHAR', day: 'VARCHAR'}, maximum_object_size = 1000000000
)
WHERE batch IN (
    SELECT regexp_extract(file, '([^/\\]+)\.published$', 1)
    FROM glob(rtrim(getvariable('output'), '/') || '/_batches/*.published')
);

CREATE OR REPLACE VIEW last_batch AS
SELECT batch FROM batches ORDER BY day DESC, posting DESC LIMIT 1;

-- Every row of a table that counts, with the batch that posted it.
CREATE OR REPLACE MACRO posted(name) AS TABLE
SELECT *
FROM read_parquet(
    rtrim(getvariable('output'), '/') || '/' || name || '/*/*.parquet',
    hive_partitioning = true, hive_types_autocast = false
)
WHERE batch IN (SELECT batch FROM batches);

CREATE OR REPLACE VIEW usage_daily AS FROM posted('usage_daily');
CREATE OR REPLACE VIEW usage_periods AS FROM posted('usage_periods');
CREATE OR REPLACE VIEW bill_lines AS FROM posted('bill_lines');
CREATE OR REPLACE VIEW bills AS FROM posted('bills');
CREATE OR REPLACE VIEW deductions AS FROM posted('deductions');
CREATE OR REPLACE VIEW grants AS FROM posted('grants');
CREATE OR REPLACE VIEW accounts AS FROM posted('accounts');
CREATE OR REPLACE VIEW flags AS FROM posted('flags');
CREATE OR REPLACE VIEW refunds AS FROM posted('refunds');
CREATE OR REPLACE VIEW renewals AS FROM posted('renewals');
CREATE OR REPLACE VIEW rejects AS FROM posted('rejects');

-- What every bill comes to now: the first posting and its corrections, under the plain bill id.
CREATE OR REPLACE VIEW bills_now AS
SELECT
    coalesce(corrects, bill_id) AS bill_id, account_id, period_start, period_end, item, cadence, currency,
    CAST(sum(exact) AS DECIMAL(38, 9)) AS exact, CAST(sum(amount) AS DECIMAL(18, 2)) AS amount,
    min(issued_at) AS issued_at, count(*) - 1 AS corrections
FROM bills
GROUP BY ALL;

-- What every line comes to now, under the plain bill id. Unit price, per and price list are part of the key, for they are
-- never added: a corrected price is the old line negated and a new one, and what was negated is not shown.
CREATE OR REPLACE VIEW lines_now AS
SELECT
    split_part(bill_id, '@', 1) AS bill_id, account_id, sdk_app_id, day, item, tier,
    CAST(sum(seconds) AS BIGINT) AS seconds, CAST(sum(minutes) AS BIGINT) AS minutes,
    CAST(sum(free_minutes) AS BIGINT) AS free_minutes, CAST(sum(package_minutes) AS BIGINT) AS package_minutes,
    CAST(sum(payg_minutes) AS BIGINT) AS payg_minutes, CAST(sum(unbilled_minutes) AS BIGINT) AS unbilled_minutes,
    CAST(sum(quantity) AS DECIMAL(18, 6)) AS quantity, unit, unit_price, per,
    CAST(sum(amount) AS DECIMAL(38, 9)) AS amount, currency, price_list
FROM bill_lines
GROUP BY ALL
-- A line that was never corrected stays, even of zeros: a month's relay below the free peak is one.
HAVING count(*) = 1 OR sum(seconds) <> 0 OR sum(minutes) <> 0 OR sum(quantity) <> 0 OR sum(amount) <> 0;

-- Where accounts, grants and flags stand after the latest batch.
CREATE OR REPLACE VIEW accounts_now AS FROM accounts WHERE batch = (FROM last_batch);
CREATE OR REPLACE VIEW grants_now AS FROM grants WHERE batch = (FROM last_batch);
CREATE OR REPLACE VIEW flags_now AS FROM flags WHERE batch = (FROM last_batch);

-- Rejected rows: of each day, those of the latest batch that has any of it. Files of usage begin with date=, those of relay,
-- screenshots and logins with the name of their input.
CREATE OR REPLACE VIEW rejects_now AS
SELECT rejects.*
FROM rejects
JOIN batches USING (batch)
QUALIFY rank() OVER (PARTITION BY rejects.day ORDER BY batches.day DESC, batches.posting DESC) = 1;
