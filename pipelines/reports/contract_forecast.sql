-- What will have been taken of each contract at its end if it goes on as it did: one row for each account and contract
-- line.
--
-- The newest approved version of a contract counts, unless it was deleted, with the periods of the line added up.
-- Called off are the pieces of approved blanket orders, also those under older versions of the contract; delivered are
-- the pieces of orders with status COMMITTED under these blanket orders whose latest delivery has passed. Orders under a
-- contract without a blanket order belong to no line and are left out.
--
-- Outstanding are the call-offs whose delivery is to come: the pieces of their orders, apart from rejected, cancelled and
-- expired ones, or of the call-off if it has no order yet. What was called off and is neither delivered nor outstanding
-- was rejected, cancelled or corrected.
--
-- The pace is what was delivered, divided by the days from the line's first day to today, or to its last day if that has
-- passed; both count. Expected at the end is what
-- was delivered and that pace for the days left, but at least what is outstanding; after the end, it is what was
-- delivered. That is no plan: plants for one season are taken in a few weeks, and a buyer may call off all at once.
-- Average prices are those of the orders, for the piece alone, in the contract's currency.
--
-- parameters:
--   from_date   first day of the lines, in Amsterdam
--   to_date     last day of the lines, in Amsterdam
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
--   contract_line_id          the line in the newest version (orders.contract_lines)
--   first_day                 first day of the line's periods, in Amsterdam
--   last_day                  last day of the line's periods, in Amsterdam
--   agreed_pieces             agreed pieces of all periods
--   called_off_pieces         pieces that were called off
--   delivered_pieces          pieces of orders whose latest delivery has passed
--   remaining_pieces          agreed pieces that are not called off, below 0 if more was called off than agreed
--   days_left                 days after today until the last day, 0 after it
--   pace                      delivered pieces for each day so far, of which today is one; NULL before the first day
--   expected_at_end           pieces that are expected to have been taken at the end
--   expected_share            expected pieces divided by agreed ones
--   currency                  currency of the prices, as ISO 4217
--   contract_price            agreed price of a piece, weighted by the agreed pieces of the periods
--   average_price             paid price of a piece, weighted by pieces; NULL without orders
--   outstanding_pieces        called-off pieces whose delivery is to come
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
contract_lines AS (
    SELECT
        p.account,
        p.contract_id,
        p.contract_line_position,
        p.contract_line_id,
        p.reference,
        p.title,
        p.customer_organization_id,
        p.supplier_organization_id,
        p.trade_item_id,
        p.money,
        min(p.first_day) AS first_day,
        max(p.last_day) AS last_day,
        sum(p.number_of_pieces) AS agreed,
        coalesce(sum(d.called_off_pieces), 0) AS called_off,
        coalesce(sum(d.delivered_pieces), 0) AS delivered,
        coalesce(sum(d.outstanding_pieces), 0) AS outstanding,
        sum(d.paid) / nullif(sum(d.priced_pieces), 0) AS average_price,
        sum(CAST(p.price_per_piece AS DECIMAL(38, 6)) * p.number_of_pieces)
            / nullif(sum(p.number_of_pieces) FILTER (p.price_per_piece IS NOT NULL), 0) AS contract_price
    FROM periods p
    LEFT JOIN drawn d ON d.account = p.account AND d.contract_line_period_id = p.contract_line_period_id
    WHERE p.counts
        AND (currency IS NULL OR p.money = upper(currency))
        AND (customer IS NULL OR p.customer_organization_id = CAST(customer AS UUID))
        AND (grower IS NULL OR p.supplier_organization_id = CAST(grower AS UUID))
        AND (trade_item IS NULL OR p.trade_item_id = CAST(trade_item AS UUID))
    GROUP BY ALL
),
paces AS (
    SELECT
        l.*,
        CAST(timezone('Europe/Amsterdam', now()) AS DATE) AS today,
        CASE WHEN l.last_day > today THEN l.last_day - greatest(today, l.first_day - 1) ELSE 0 END AS days_left,
        CASE WHEN l.first_day <= today THEN least(today, l.last_day) - l.first_day + 1 END AS days_passed,
        l.delivered / days_passed AS pace
    FROM contract_lines l
    WHERE (from_date IS NULL OR l.last_day >= CAST(from_date AS DATE))
        AND (to_date IS NULL OR l.first_day <= CAST(to_date AS DATE))
),
forecast AS (
    SELECT
        p.*,
        CAST(
            CASE
                WHEN p.last_day < p.today THEN p.delivered
                ELSE p.delivered + greatest(p.outstanding, round(p.pace * p.days_left))
            END
                AS BIGINT
        ) AS expected
    FROM paces p
),
{items}
SELECT
    f.account,
    f.reference AS contract_reference,
    f.title AS contract_title,
    f.customer_organization_id,
    b.name AS customer_name,
    f.supplier_organization_id,
    s.name AS supplier_name,
    f.trade_item_id,
    i.trade_item_name,
    f.contract_line_id,
    f.first_day,
    f.last_day,
    CAST(f.agreed AS BIGINT) AS agreed_pieces,
    CAST(f.called_off AS BIGINT) AS called_off_pieces,
    CAST(f.delivered AS BIGINT) AS delivered_pieces,
    CAST(f.agreed - f.called_off AS BIGINT) AS remaining_pieces,
    f.days_left,
    CAST(f.pace AS DECIMAL(38, 6)) AS pace,
    f.expected AS expected_at_end,
    CAST(f.expected / nullif(f.agreed, 0) AS DECIMAL(38, 6)) AS expected_share,
    f.money AS currency,
    CAST(f.contract_price AS DECIMAL(38, 6)) AS contract_price,
    CAST(f.average_price AS DECIMAL(38, 6)) AS average_price,
    CAST(f.outstanding AS BIGINT) AS outstanding_pieces
FROM forecast f
LEFT JOIN organizations.organizations b
    ON b.account = f.account AND b.organization_id = f.customer_organization_id
LEFT JOIN organizations.organizations s
    ON s.account = f.account AND s.organization_id = f.supplier_organization_id
LEFT JOIN items i ON i.account = f.account AND i.trade_item_id = f.trade_item_id
ORDER BY f.account, f.reference, f.supplier_organization_id, f.contract_id, f.contract_line_position
