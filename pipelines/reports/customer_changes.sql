-- Which customers stopped, fell, grew or are new, against the same weeks a year earlier: one row for each account,
-- customer and currency.
--
-- Only orders with status COMMITTED count, without deleted ones. Only weeks that both years have are compared: ended ISO
-- weeks in which the account sold something, as in the week of the same number a year earlier. The running week and
-- weeks that the period cuts are never among them. Without from_date, the last 13 weeks are compared. A first week that
-- begins later than its counterpart is not compared.
--
-- A customer has a row if it has an order in these weeks of either year, or in the period itself, which ends today if
-- to_date is not given. Others have none, however long they have been silent.
--
-- A customer stopped if it ordered in these weeks a year earlier and not any more, and is new if it did not order in
-- them a year earlier; it may have ordered in others. Status and growth are NULL if no weeks can be compared. Values
-- leave out orders whose amount is unknown, and are NULL if it is of all of them; then growth is NULL, and so is the status,
-- unless it is STOPPED or NEW. A customer that pays in another currency than a year earlier stopped in one and is new in
-- the other. Those that lost most are listed first.
--
-- A customer may have stopped weeks ago and still have bought as much in these 13 weeks. Its silence is measured against
-- its own rhythm: the days since its last day of delivery, and the median number of days between its days of delivery, of
-- all its orders in the currency. It is silent if that is at least 21 days and at least 4 times its usual interval, and if
-- no delivery is still to come.
-- Customers with fewer than 4 days of delivery have no rhythm, and a season ends without a customer being lost. The
-- status does not depend on it. Others call a customer lost after a fixed number of weeks.
--
-- parameters:
--   from_date   first day of delivery, in Amsterdam
--   to_date     last day of delivery, in Amsterdam
--   currency    only this currency, as ISO 4217
--   customer    only this buyer, by the organization's id
--   trade_item  only this trade item, by its id
--
-- columns:
--   account                   name of the account in the settings
--   customer_organization_id  buyer (organizations.organizations)
--   customer_name             its registered name; NULL if the organization is not in the warehouse
--   currency                  currency of the revenue, as ISO 4217
--   status                    STOPPED, FALLEN, UNCHANGED, GROWN or NEW; NULL if that is not known
--   orders                    sales orders in the compared weeks
--   orders_last_year          sales orders in the same weeks a year earlier
--   revenue                   value of the orders in the compared weeks, in the currency; NULL if unknown
--   comparable_revenue        value of the orders in the same weeks a year earlier; NULL if unknown
--   change                    revenue minus comparable revenue; NULL if one of them is unknown
--   growth                    change divided by comparable revenue, 0.1 for 10 % more; NULL if that is 0 or unknown
--   weeks_compared            weeks that are compared, those of the account
--   last_order                when it placed its last order in the currency, of any week
--   silent_days               days since its last delivery; NULL if there is none yet
--   usual_interval            median number of days between its days of delivery; NULL if there are fewer than 4
--   is_silent                 whether silent_days is at least 21 and at least 4 times the usual interval, and no delivery is to come
--   last_delivery             its last day of delivery until today, in Amsterdam
--   next_delivery             its first day of delivery after today, in Amsterdam; NULL if there is none
--
-- tables:
--   orders.sales_orders
--   organizations.organizations

WITH
{committed_orders},
matching AS (
    SELECT o.*
    FROM committed_orders o
    WHERE (currency IS NULL OR o.money = upper(currency))
        AND (customer IS NULL OR o.customer_organization_id = CAST(customer AS UUID))
        AND (trade_item IS NULL OR o.trade_item_id = CAST(trade_item AS UUID))
),
period AS (
    SELECT
        CAST(timezone('Europe/Amsterdam', now()) AS DATE) AS today,
        CAST(date_trunc('week', least(CAST(to_date AS DATE) + 1, today)) AS DATE) - 13 * 7 AS default_first_day
),
{customer_growth},
detail AS (
    SELECT o.*, y.is_last_year
    FROM matching o
    JOIN years y ON y.account = o.account AND y.monday = o.monday
),
buyers AS (
    -- Those with an order in the period have a row even if no week can be compared.
    SELECT
        o.account,
        o.customer_organization_id,
        o.money,
        row_number() OVER () AS number,
        max(o.order_date_time) AS last_order,
        max(o.day) FILTER (o.day <= p.today) AS last_day,
        min(o.day) FILTER (o.day > p.today) AS next_day,
        list(o.day) AS days,
        coalesce(
            bool_or(
                o.day >= coalesce(CAST(from_date AS DATE), p.default_first_day)
                AND o.day <= coalesce(CAST(to_date AS DATE), p.today)
            ),
            false
        ) AS is_active
    FROM matching o, period p
    GROUP BY ALL
),
sorted_days AS (
    SELECT b.number, list_sort(b.days) AS days
    FROM buyers b
    WHERE len(b.days) >= 4
),
intervals AS (
    -- Between the days of each customer that follow each other. A window over all days takes twice as long as these lists.
    SELECT d.number, unnest(d.days) AS day, unnest(d.days[2:]) AS next_day
    FROM sorted_days d
),
usual_intervals AS (
    SELECT
        i.number,
        median(i.next_day - i.day) AS days
    FROM intervals i
    WHERE i.next_day > i.day
    GROUP BY i.number
    HAVING count(*) >= 3
),
rhythms AS (
    SELECT
        b.number,
        p.today - b.last_day AS silent_days,
        u.days AS usual_interval
    FROM buyers b
    LEFT JOIN usual_intervals u ON u.number = b.number
    CROSS JOIN period p
)
SELECT
    b.account,
    b.customer_organization_id,
    n.name AS customer_name,
    b.money AS currency,
    CASE
        WHEN g.orders_last_year = 0 THEN 'NEW'
        WHEN g.orders_this_year = 0 THEN 'STOPPED'
        WHEN g.revenue_this_year < g.revenue_last_year THEN 'FALLEN'
        WHEN g.revenue_this_year > g.revenue_last_year THEN 'GROWN'
        WHEN g.revenue_this_year = g.revenue_last_year THEN 'UNCHANGED'
    END AS status,
    CAST(coalesce(g.orders_this_year, 0) AS BIGINT) AS orders,
    CAST(coalesce(g.orders_last_year, 0) AS BIGINT) AS orders_last_year,
    CASE WHEN g.account IS NULL THEN 0 ELSE g.revenue_this_year END AS revenue,
    CASE WHEN g.account IS NULL THEN 0 ELSE g.revenue_last_year END AS comparable_revenue,
    CASE WHEN g.account IS NULL THEN 0 ELSE g.revenue_this_year - g.revenue_last_year END AS change,
    g.growth,
    coalesce(k.weeks_compared, 0) AS weeks_compared,
    b.last_order,
    CAST(r.silent_days AS BIGINT) AS silent_days,
    CAST(r.usual_interval AS DECIMAL(9, 1)) AS usual_interval,
    coalesce(r.silent_days >= 21 AND r.silent_days >= 4 * r.usual_interval, false) AND b.next_day IS NULL AS is_silent,
    b.last_day AS last_delivery,
    b.next_day AS next_delivery
FROM buyers b
LEFT JOIN customer_growth g
    ON g.account = b.account
    AND g.customer_organization_id IS NOT DISTINCT FROM b.customer_organization_id
    AND g.money IS NOT DISTINCT FROM b.money
JOIN rhythms r ON r.number = b.number
LEFT JOIN number_of_weeks k ON k.account = b.account
LEFT JOIN organizations.organizations n
    ON n.account = b.account AND n.organization_id = b.customer_organization_id
WHERE b.is_active OR g.account IS NOT NULL
ORDER BY b.account, b.money, change NULLS LAST, customer_name, b.customer_organization_id
