-- The stock ledger, type of the mutation to each batch: one row for each account, batch and type of mutation.
--
-- Pieces are the sum of all changes of that type, below 0 for removed pieces. CLAIM and UNCLAIM are sales and returns;
-- a CORRECTION below 0 is waste. The initial pieces of a batch plus all its changes are its remaining pieces, as far as
-- Floriday still returned them at the first sync. The ledger of batches that are deleted or not in the warehouse is
-- included. Days are those of the mutations.
--
-- parameters:
--   from_date   first day, in Amsterdam
--   to_date     last day, in Amsterdam
--   trade_item  only this trade item, by its id
--
-- columns:
--   account          name of the account in the settings
--   batch_id         the batch (supply.batches)
--   batch_reference  its reference, as text; NULL if the batch is not in the warehouse
--   batch_date       day of harvest or production, in Amsterdam; NULL if the batch is not in the warehouse
--   trade_item_id    its trade item (catalog.trade_items); NULL if the batch is not in the warehouse
--   trade_item_name  its name; NULL if the trade item is not in the warehouse
--   type             type of the mutation
--   mutations        number of mutations
--   pieces           added pieces, below 0 for removed pieces
--   first_at         when it happened first
--   last_at          when it happened last
--
-- tables:
--   catalog.trade_items
--   supply.batch_mutations
--   supply.batches

WITH ledger AS (
    SELECT
        m.account,
        m.batch_id,
        m.type,
        count(*) AS mutations,
        CAST(coalesce(sum(m.delta_number_of_pieces), 0) AS BIGINT) AS pieces,
        min(m.creation_date_time) AS first_at,
        max(m.creation_date_time) AS last_at
    FROM supply.batch_mutations m
    WHERE NOT m.is_deleted
        AND (from_date IS NULL
            OR CAST(timezone('Europe/Amsterdam', m.creation_date_time) AS DATE) >= CAST(from_date AS DATE))
        AND (to_date IS NULL
            OR CAST(timezone('Europe/Amsterdam', m.creation_date_time) AS DATE) <= CAST(to_date AS DATE))
    GROUP BY ALL
),
days AS (
    -- Converting to Amsterdam's time zone is slow, and there are far fewer distinct times than batches.
    SELECT m.moment, CAST(timezone('Europe/Amsterdam', m.moment) AS DATE) AS day
    FROM (SELECT b.batch_date AS moment FROM supply.batches b GROUP BY moment) m
),
kinds AS (
    -- Accounts and types by number, in their order: sorting many rows by the account's text first takes twice as long.
    SELECT
        k.account,
        k.type,
        CAST(dense_rank() OVER (ORDER BY k.account) AS INTEGER) AS account_number,
        CAST(dense_rank() OVER (ORDER BY k.type) AS INTEGER) AS type_number
    FROM (SELECT m.account, m.type FROM supply.batch_mutations m GROUP BY ALL) k
)
SELECT
    l.account,
    l.batch_id,
    b.batch_reference,
    y.day AS batch_date,
    b.trade_item_id,
    i.trade_item_name_nl AS trade_item_name,
    l.type,
    l.mutations,
    l.pieces,
    l.first_at,
    l.last_at
FROM ledger l
LEFT JOIN kinds k ON k.account = l.account AND k.type IS NOT DISTINCT FROM l.type
LEFT JOIN supply.batches b ON b.account = l.account AND b.batch_id = l.batch_id
LEFT JOIN days y ON y.moment = b.batch_date
LEFT JOIN catalog.trade_items i ON i.account = b.account AND i.trade_item_id = b.trade_item_id
WHERE trade_item IS NULL OR b.trade_item_id = CAST(trade_item AS UUID)
ORDER BY k.account_number, batch_date DESC NULLS LAST, l.batch_id, k.type_number
