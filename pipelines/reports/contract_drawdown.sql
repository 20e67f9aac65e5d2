-- How much of each contract was called off: one row for each account and period of a contract line.
--
-- The newest approved version of a contract counts, unless it was deleted. Pieces that were called off under an older
-- version count for the same period of the newest one: the period with the same id, else with the same trade item and
-- first day. Pieces that were called off for periods that the newest version lacks are not in this report.
--
-- Called off are the pieces of approved blanket orders; those that wait for approval are in a separate column, deleted
-- ones are left out. A period is in this report if it overlaps the days from from_date to to_date.
--
-- parameters:
--   from_date   first day of the periods, in Amsterdam
--   to_date     last day of the periods, in Amsterdam
--   currency    only contracts in this currency, as ISO 4217
--   customer    only contracts with this buyer, by the organization's id
--   grower      only contracts with this grower, by the organization's id
--   trade_item  only lines of this trade item, by its id
--
-- columns:
--   account                   name of the account in the settings
--   contract_reference        reference that all versions of the contract share
--   contract_title            its title
--   customer_organization_id  buyer (organizations.organizations)
--   customer_name             its registered name; NULL if the organization is not in the warehouse
--   supplier_organization_id  grower (organizations.organizations)
--   supplier_name             its registered name; NULL if the organization is not in the warehouse
--   trade_item_id             trade item of the contract line (catalog.trade_items)
--   trade_item_name           its name; NULL if the trade item is not in the warehouse
--   first_day                 first day of the period, in Amsterdam
--   last_day                  last day of the period, in Amsterdam
--   currency                  currency of the price, as ISO 4217
--   price_per_piece           agreed price of a piece, in the currency
--   agreed_pieces             agreed pieces
--   called_off_pieces         pieces that were called off
--   waiting_pieces            pieces on blanket orders that are finalized and wait for approval
--   share                     fraction of the agreed pieces that was called off, 1 for all; NULL if none were agreed
--   outside_margin            lines of approved blanket orders whose pieces or price are outside of the margins
--   contract_line_period_id   the period in the newest version (orders.contract_line_periods)
--
-- tables:
--   catalog.trade_items
--   orders.blanket_order_lines
--   orders.blanket_orders
--   orders.contract_line_periods
--   orders.contract_lines
--   orders.contracts
--   organizations.organizations

WITH versions AS (
    SELECT
        c.*,
        coalesce(c.reference, CAST(c.contract_id AS VARCHAR)) AS known_as,
        c.version_is_latest_approved_version AND row_number() OVER (
            PARTITION BY c.account, c.supplier_organization_id, known_as, c.version_is_latest_approved_version
            ORDER BY c.version_version_number DESC NULLS LAST, c.contract_id
        ) = 1 AS is_newest
    FROM orders.contracts c
),
periods AS (
    SELECT
        p.account,
        p.contract_id,
        p.contract_line_period_id,
        v.is_newest AND NOT v.is_deleted AS counts,
        v.known_as,
        v.reference,
        v.title,
        v.customer_organization_id,
        v.supplier_organization_id,
        v.currency AS money,
        l.trade_item_trade_item_id AS trade_item_id,
        p.contract_line_position,
        p.start_date_time,
        p.price_per_piece,
        p.number_of_pieces,
        CAST(timezone('Europe/Amsterdam', p.start_date_time) AS DATE) AS first_day,
        -- A period does not include its end.
        CAST(
            timezone('Europe/Amsterdam', greatest(p.end_date_time - INTERVAL 1 MICROSECOND, p.start_date_time)) AS DATE
        ) AS last_day,
        -- A contract may have two lines of a trade item: their order distinguishes them.
        row_number() OVER (
            PARTITION BY p.account, p.contract_id, l.trade_item_trade_item_id, p.start_date_time
            ORDER BY p.contract_line_position, p.position
        ) AS occurrence
    FROM orders.contract_line_periods p
    JOIN versions v ON v.account = p.account AND v.contract_id = p.contract_id
    JOIN orders.contract_lines l
        ON l.account = p.account AND l.contract_id = p.contract_id AND l.position = p.contract_line_position
),
called AS (
    SELECT
        b.account,
        b.contract_id,
        l.contract_line_period_id,
        sum(l.number_of_pieces) FILTER (b.status_approval_status = 'APPROVED') AS called_off_pieces,
        sum(l.number_of_pieces) FILTER (b.status_approval_status = 'FINALIZED') AS waiting_pieces,
        count(*) FILTER (
            b.status_approval_status = 'APPROVED' AND l.lies_outside_of_contract_line_period_margins
        ) AS outside_margin
    FROM orders.blanket_orders b
    JOIN orders.blanket_order_lines l ON l.account = b.account AND l.blanket_order_id = b.blanket_order_id
    WHERE NOT b.is_deleted
    GROUP BY ALL
),
drawn AS (
    SELECT
        c.account,
        coalesce(same.contract_line_period_id, newer.contract_line_period_id) AS contract_line_period_id,
        sum(c.called_off_pieces) AS called_off_pieces,
        sum(c.waiting_pieces) AS waiting_pieces,
        sum(c.outside_margin) AS outside_margin
    FROM called c
    LEFT JOIN periods same
        ON same.counts AND same.account = c.account AND same.contract_line_period_id = c.contract_line_period_id
    LEFT JOIN periods older
        ON older.account = c.account
        AND older.contract_id = c.contract_id
        AND older.contract_line_period_id = c.contract_line_period_id
    LEFT JOIN periods newer
        ON newer.counts
        AND newer.account = older.account
        AND newer.known_as = older.known_as
        AND newer.supplier_organization_id IS NOT DISTINCT FROM older.supplier_organization_id
        AND newer.trade_item_id IS NOT DISTINCT FROM older.trade_item_id
        AND newer.start_date_time IS NOT DISTINCT FROM older.start_date_time
        AND newer.occurrence = older.occurrence
    GROUP BY ALL
),
items AS (
    SELECT i.account, i.trade_item_id, COLUMNS('^(trade_item_name_nl|name)$') AS trade_item_name
    FROM catalog.trade_items i
)
SELECT
    p.account,
    p.reference AS contract_reference,
    p.title AS contract_title,
    p.customer_organization_id,
    b.name AS customer_name,
    p.supplier_organization_id,
    s.name AS supplier_name,
    p.trade_item_id,
    i.trade_item_name,
    p.first_day,
    p.last_day,
    p.money AS currency,
    p.price_per_piece,
    p.number_of_pieces AS agreed_pieces,
    CAST(coalesce(d.called_off_pieces, 0) AS BIGINT) AS called_off_pieces,
    CAST(coalesce(d.waiting_pieces, 0) AS BIGINT) AS waiting_pieces,
    CAST(coalesce(d.called_off_pieces, 0) / nullif(p.number_of_pieces, 0) AS DECIMAL(38, 6)) AS share,
    CAST(coalesce(d.outside_margin, 0) AS BIGINT) AS outside_margin,
    p.contract_line_period_id
FROM periods p
LEFT JOIN drawn d ON d.account = p.account AND d.contract_line_period_id = p.contract_line_period_id
LEFT JOIN organizations.organizations b
    ON b.account = p.account AND b.organization_id = p.customer_organization_id
LEFT JOIN organizations.organizations s
    ON s.account = p.account AND s.organization_id = p.supplier_organization_id
LEFT JOIN items i ON i.account = p.account AND i.trade_item_id = p.trade_item_id
WHERE p.counts
    AND (from_date IS NULL OR p.last_day >= CAST(from_date AS DATE))
    AND (to_date IS NULL OR p.first_day <= CAST(to_date AS DATE))
    AND (currency IS NULL OR p.money = upper(currency))
    AND (customer IS NULL OR p.customer_organization_id = CAST(customer AS UUID))
    AND (grower IS NULL OR p.supplier_organization_id = CAST(grower AS UUID))
    AND (trade_item IS NULL OR p.trade_item_id = CAST(trade_item AS UUID))
ORDER BY p.account, p.reference, p.supplier_organization_id, p.contract_id, p.contract_line_position,
    p.start_date_time, p.contract_line_period_id
