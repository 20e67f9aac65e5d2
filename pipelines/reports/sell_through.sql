-- Sell-through, how much of each batch was sold: one row for each account and batch, the newest first.
--
-- Sold are the pieces that orders claimed in the batch's ledger, minus returned ones, as far as Floriday still returned
-- them at the first sync. Other changes, such as waste, reservations and transformations, are in a separate column, so
-- that the initial pieces are the sum of sold, other and remaining pieces. Deleted batches are left out. The days are
-- those of harvest or production, in Amsterdam.
--
-- A change of warehouse is not a second harvest: Floriday makes another batch of the moved pieces, and each piece
-- counts once, at the batch that has it. So initial pieces are what Floriday recorded at the start, minus the pieces
-- that moved to another batch and plus those that came from one (changes of warehouse, splits, combinations). The trade
-- may see a batch with all its moved pieces as one harvest: moved_pieces has what left.
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
--   initial_pieces            pieces at the start, without those that moved to another batch
--   sold_pieces               pieces that orders claimed, without returned ones
--   other_pieces              pieces that other changes removed, below 0 if more were added
--   remaining_pieces          pieces left
--   sell_through              sold pieces divided by initial ones, 1 for all
--   age_days                  days from the batch date to today, in Amsterdam
--   last_sold_at              when an order last claimed pieces; NULL if none did
--   moved_pieces              pieces that moved to another batch, below 0 if more came from one
--
-- tables:
--   catalog.trade_items
--   supply.batch_mutations
--   supply.batches

WITH kinds (type, is_move, is_sale, is_waste) AS (
    -- Joined, which takes less time than to compare a million texts with each of these.
    VALUES
        ('CLAIM', false, true, false),
        ('UNCLAIM', false, false, false),
        ('CLAIMED_FROM_RESERVATION', false, true, false),
        ('UNCLAIMED_FROM_RESERVATION', false, false, false),
        ('WAREHOUSE_CHANGE', true, false, false),
        ('SPLIT', true, false, false),
        ('COMBINE', true, false, false),
        ('CORRECTION', false, false, true)
),
ledger AS (
    SELECT
        m.account,
        m.batch_id,
        -sum(m.delta_number_of_pieces) FILTER (NOT k.is_move AND NOT k.is_waste) AS sold,
        -sum(m.delta_number_of_pieces) FILTER (k.is_move) AS moved,
        -sum(m.delta_number_of_pieces) FILTER (k.is_waste AND m.delta_number_of_pieces < 0) AS waste,
        max(m.creation_date_time) FILTER (k.is_sale) AS last_sold_at
    FROM supply.batch_mutations m
    JOIN kinds k ON k.type = m.type
    WHERE NOT m.is_deleted
    GROUP BY ALL
),
days AS (
    -- Converting to Amsterdam's time zone is slow, and there are far fewer distinct times than batches.
    SELECT m.moment, CAST(timezone('Europe/Amsterdam', m.moment) AS DATE) AS day
    FROM (SELECT b.batch_date AS moment FROM supply.batches b GROUP BY moment) m
),
detail AS (
    -- One row for each batch that counts.
    SELECT
        b.account,
        y.day,
        b.batch_id,
        b.batch_reference,
        b.supplier_organization_id,
        b.warehouse_id,
        b.trade_item_id,
        CAST(b.initial_number_of_pieces - coalesce(l.moved, 0) AS BIGINT) AS initial_pieces,
        CAST(coalesce(l.sold, 0) AS BIGINT) AS sold_pieces,
        initial_pieces - sold_pieces - b.number_of_pieces AS other_pieces,
        CAST(b.number_of_pieces AS BIGINT) AS remaining_pieces,
        CAST(coalesce(l.moved, 0) AS BIGINT) AS moved_pieces,
        CAST(coalesce(l.waste, 0) AS BIGINT) AS waste_pieces,
        l.last_sold_at
    FROM supply.batches b
    LEFT JOIN days y ON y.moment = b.batch_date
    LEFT JOIN ledger l ON l.account = b.account AND l.batch_id = b.batch_id
    WHERE NOT b.is_deleted
        AND (from_date IS NULL OR y.day >= CAST(from_date AS DATE))
        AND (to_date IS NULL OR y.day <= CAST(to_date AS DATE))
        AND (trade_item IS NULL OR b.trade_item_id = CAST(trade_item AS UUID))
)
SELECT
    d.account,
    d.batch_id,
    d.batch_reference,
    d.day AS batch_date,
    d.supplier_organization_id,
    d.trade_item_id,
    i.trade_item_name_nl AS trade_item_name,
    d.initial_pieces,
    d.sold_pieces,
    d.other_pieces,
    d.remaining_pieces,
    CAST(d.sold_pieces / nullif(d.initial_pieces, 0) AS DECIMAL(38, 6)) AS sell_through,
    CAST(CAST(timezone('Europe/Amsterdam', now()) AS DATE) - d.day AS INTEGER) AS age_days,
    d.last_sold_at,
    d.moved_pieces
FROM detail d
LEFT JOIN catalog.trade_items i ON i.account = d.account AND i.trade_item_id = d.trade_item_id
ORDER BY d.account, d.day DESC NULLS LAST, d.batch_id
