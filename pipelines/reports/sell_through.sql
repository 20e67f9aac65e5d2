-- Sell-through, how much of each batch was sold: one row for each account and batch, the newest first.
--
-- Sold are the pieces that orders claimed in the batch's ledger, minus returned ones, as far as Floriday still returned
-- them at the first sync. Other changes, such as waste, reservations and transfers, are in a separate column, so that
-- the initial pieces are the sum of sold, other and remaining pieces. Deleted batches are left out. The days are those
-- of harvest or production, in Amsterdam.
--
-- Stock of other growers in one's own warehouse is included: see supplier_organization_id.
--
-- parameters:
--   from_date   first day of harvest or production, in Amsterdam
--   to_date     last day of harvest or production, in Amsterdam
--   trade_item  only this trade item, by its id
--
-- columns:
--   account                   name of the account in the settings
--   batch_id                  the batch (supply.batches)
--   batch_reference           its reference, as text
--   batch_date                day of harvest or production, in Amsterdam
--   supplier_organization_id  grower that owns it (organizations.organizations)
--   trade_item_id             its trade item (catalog.trade_items)
--   trade_item_name           its name; NULL if the trade item is not in the warehouse
--   initial_pieces            pieces at the start
--   sold_pieces               pieces that orders claimed, without returned ones
--   other_pieces              pieces that other changes removed, below 0 if more were added
--   remaining_pieces          pieces left
--   sell_through              sold pieces divided by initial ones, 1 for all
--   age_days                  days from the batch date to today, in Amsterdam
--   last_sold_at              when an order last claimed pieces; NULL if none did
--
-- tables:
--   catalog.trade_items
--   supply.batch_mutations
--   supply.batches

WITH ledger AS (
    SELECT
        m.account,
        m.batch_id,
        -sum(m.delta_number_of_pieces) AS sold_pieces,
        max(m.creation_date_time) FILTER (m.type IN ('CLAIM', 'CLAIMED_FROM_RESERVATION')) AS last_sold_at
    FROM supply.batch_mutations m
    WHERE m.type IN ('CLAIM', 'UNCLAIM', 'CLAIMED_FROM_RESERVATION', 'UNCLAIMED_FROM_RESERVATION')
        AND NOT m.is_deleted
    GROUP BY ALL
),
batches AS (
    SELECT
        b.account,
        b.batch_id,
        b.batch_reference,
        CAST(timezone('Europe/Amsterdam', b.batch_date) AS DATE) AS day,
        b.supplier_organization_id,
        b.trade_item_id,
        b.initial_number_of_pieces AS initial_pieces,
        CAST(coalesce(l.sold_pieces, 0) AS BIGINT) AS sold_pieces,
        b.number_of_pieces AS remaining_pieces,
        l.last_sold_at
    FROM supply.batches b
    LEFT JOIN ledger l ON l.account = b.account AND l.batch_id = b.batch_id
    WHERE NOT b.is_deleted
)
SELECT
    b.account,
    b.batch_id,
    b.batch_reference,
    b.day AS batch_date,
    b.supplier_organization_id,
    b.trade_item_id,
    i.trade_item_name_nl AS trade_item_name,
    b.initial_pieces,
    b.sold_pieces,
    b.initial_pieces - b.sold_pieces - b.remaining_pieces AS other_pieces,
    b.remaining_pieces,
    CAST(b.sold_pieces / nullif(b.initial_pieces, 0) AS DECIMAL(38, 6)) AS sell_through,
    CAST(CAST(timezone('Europe/Amsterdam', now()) AS DATE) - b.day AS INTEGER) AS age_days,
    b.last_sold_at
FROM batches b
LEFT JOIN catalog.trade_items i ON i.account = b.account AND i.trade_item_id = b.trade_item_id
WHERE (from_date IS NULL OR b.day >= CAST(from_date AS DATE))
    AND (to_date IS NULL OR b.day <= CAST(to_date AS DATE))
    AND (trade_item IS NULL OR b.trade_item_id = CAST(trade_item AS UUID))
ORDER BY b.account, b.day DESC NULLS LAST, b.batch_id
