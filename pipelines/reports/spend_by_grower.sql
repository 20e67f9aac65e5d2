-- Spend of a buyer by grower: one row for each account, grower, month and currency.
--
-- Only orders with status COMMITTED count, without deleted ones. The grower is the seller, which does not change when
-- an auction's correction names the auction as supplier; orders without a seller count for the supplier. The month is
-- that of the latest delivery in Amsterdam; orders without that time are in rows without a month, unless from_date or
-- to_date is given.
--
-- parameters:
--   from_date   first day of delivery, in Amsterdam
--   to_date     last day of delivery, in Amsterdam
--   currency    only this currency, as ISO 4217
--   grower      only this grower, by the organization's id
--   trade_item  only this trade item, by its id
--
-- columns:
--   account                 name of the account in the settings
--   grower_organization_id  grower that sold it (organizations.organizations)
--   grower_name             its registered name; NULL if the organization is not in the warehouse
--   month                   month of the latest delivery, as its first day
--   currency                currency of the amounts, as ISO 4217
--   orders                  sales orders
--   pieces                  pieces, after all corrections
--   spend                   value of the orders, in the currency
--   share                   fraction of the month's spend in the currency, 1 for all; NULL if that is 0
--   auction_levies          auction levies that Floriday calculates, in the currency; NULL if there are none
--   package_rental_costs    rent of packages that Floriday calculates, in the currency; NULL if there is none
--
-- tables:
--   orders.sales_orders  seller_organization_id, calculated_fields_total_auction_levies_value
--   organizations.organizations

WITH
{days},
bought AS (
    SELECT
        o.account,
        coalesce(o.seller_organization_id, o.supplier_organization_id) AS grower_organization_id,
        d.month,
        o.calculated_fields_order_amount_currency AS money,
        count(*) AS orders,
        CAST(sum(o.number_of_pieces) AS BIGINT) AS pieces,
        sum(o.calculated_fields_order_amount_value) AS spend,
        sum(o.calculated_fields_total_auction_levies_value) FILTER (
            o.calculated_fields_total_auction_levies_currency = o.calculated_fields_order_amount_currency
        ) AS auction_levies,
        sum(o.calculated_fields_total_package_rental_costs_value) FILTER (
            o.calculated_fields_total_package_rental_costs_currency = o.calculated_fields_order_amount_currency
        ) AS package_rental_costs
    FROM orders.sales_orders o
    LEFT JOIN days d ON d.moment = o.delivery_latest_delivery_date_time
    WHERE o.status = 'COMMITTED'
        AND NOT o.is_deleted
        AND (from_date IS NULL OR d.day >= CAST(from_date AS DATE))
        AND (to_date IS NULL OR d.day <= CAST(to_date AS DATE))
        AND (currency IS NULL OR o.calculated_fields_order_amount_currency = upper(currency))
        AND (
            grower IS NULL
            OR coalesce(o.seller_organization_id, o.supplier_organization_id) = CAST(grower AS UUID)
        )
        AND (trade_item IS NULL OR o.trade_item_id = CAST(trade_item AS UUID))
    GROUP BY ALL
)
SELECT
    b.account,
    b.grower_organization_id,
    n.name AS grower_name,
    b.month,
    b.money AS currency,
    b.orders,
    b.pieces,
    b.spend,
    CAST(
        b.spend / nullif(sum(b.spend) OVER (PARTITION BY b.account, b.month, b.money), 0) AS DECIMAL(38, 6)
    ) AS share,
    b.auction_levies,
    b.package_rental_costs
FROM bought b
LEFT JOIN organizations.organizations n
    ON n.account = b.account AND n.organization_id = b.grower_organization_id
ORDER BY b.account, b.month DESC NULLS LAST, b.money, b.spend DESC NULLS LAST, b.grower_organization_id
