-- How much of each contract was called off, committed and delivered: one row for each account and period of a contract
-- line.
--
-- The newest approved version of a contract counts, unless it was deleted. Pieces that were called off under an older
-- version count for the same period of the newest one: the period with the same id, else with the same trade item and
-- first day. Pieces that were called off for periods that the newest version lacks are not in this report.
--
-- Called off are the pieces of approved blanket orders; those that wait for approval are in a separate column, deleted
-- ones are left out. Each line of an approved blanket order becomes an order; committed are the pieces of such orders
-- with status COMMITTED, delivered those of them whose latest delivery has passed, whatever left the nursery (fill_rate
-- has that). Orders under a contract without a blanket order belong to no period and are left out. Some call only
-- delivered pieces drawn down, others what is called off: the share is that of called-off pieces. A period is in this
-- report if it overlaps the days from from_date to to_date.
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
--   committed_pieces          pieces of orders with status COMMITTED, after all corrections
--   delivered_pieces          those of them whose latest delivery has passed
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
--   orders.sales_orders
--   organizations.organizations

WITH
{contract_periods},
{items}
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
    CAST(coalesce(d.committed_pieces, 0) AS BIGINT) AS committed_pieces,
    CAST(coalesce(d.delivered_pieces, 0) AS BIGINT) AS delivered_pieces,
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
