-- Daily statement: one row for each invoice line and each line of load carriers, by day, with a total for each day.
--
-- It replaces the statement that growers received by EDI until September 2026. A line is first settled, then invoiced: it
-- is on the day of its invoice, and until then on the day of its settlement. It moves to another day with its invoice,
-- so a statement of settled lines is provisional. Corrections are separate lines and count like the others. Deleted
-- lines are left out; Plantion and VRM report no lines.
--
-- Lines have no currency; that of the order is assumed. Lines of orders that are not in the warehouse have none, and are
-- in a total of their own. Lines of load carriers have no amount: Floriday reports their number and not the deposit.
-- Totals are those of the invoice lines.
--
-- Floriday reports auction levies to buyers only. The levies of a line are those of its order, in proportion to the
-- line's amount. The statement of the auction may have other costs, which Floriday does not report.
--
-- parameters:
--   from_date  first day, in Amsterdam; 30 days before to_date if it is not given
--   to_date    last day, in Amsterdam; today if it is not given
--
-- columns:
--   account                   name of the account in the settings
--   day                       day of the invoice, else of the settlement, in Amsterdam
--   kind                      LINE of an invoice, LOAD_CARRIER, or TOTAL of the day's invoice lines in a currency
--   state                     INVOICED, or SETTLED if there is no invoice yet; NULL for a total
--   invoice_id                the invoice
--   invoice_line_id           the line (orders.invoice_lines, fulfillment.logistic_means_invoice_lines)
--   is_correction             whether the line corrects an earlier one; for growers only
--   sales_order_id            the order (orders.sales_orders)
--   sales_channel_order_id    its number at the sales channel
--   customer_organization_id  buyer (organizations.organizations)
--   customer                  its name; NULL if it is not in the warehouse
--   trade_item_id             ordered trade item (catalog.trade_items)
--   trade_item                its name; NULL if the trade item is not in the warehouse
--   batch_id                  the order's batch (supply.batches); for growers only
--   batch_reference           number of the batch
--   delivery_note             code and letter of the delivery note
--   pieces                    pieces of the line
--   amount                    its amount, in the currency
--   levies                    auction levies of the line, in the currency; for buyers only
--   currency                  currency of the order, as ISO 4217
--   load_carrier_type         kind of load carrier, layer or package
--   items                     number of load carriers, layers or packages
--
-- tables:
--   catalog.trade_items
--   fulfillment.logistic_means_invoice_lines
--   orders.invoice_lines
--   orders.sales_orders
--   organizations.organizations

WITH items AS (
    -- The two APIs name a trade item differently.
    SELECT * FROM catalog.trade_items
    UNION ALL BY NAME
    SELECT CAST(NULL AS VARCHAR) AS name, CAST(NULL AS VARCHAR) AS trade_item_name_nl WHERE false
),
sales AS (
    -- Only growers see batches, and only buyers levies.
    SELECT * FROM orders.sales_orders
    UNION ALL BY NAME
    SELECT
        CAST(NULL AS UUID) AS batch_id,
        CAST(NULL AS DECIMAL(18, 6)) AS calculated_fields_total_auction_levies_value,
        CAST(NULL AS VARCHAR) AS calculated_fields_total_auction_levies_currency
    WHERE false
),
period AS (
    SELECT
        coalesce(CAST(from_date AS DATE), end_of.day - 30) AS first_day,
        timezone('Europe/Amsterdam', CAST(first_day AS TIMESTAMP)) AS begins,
        timezone('Europe/Amsterdam', CAST(end_of.day + 1 AS TIMESTAMP)) AS ends
    FROM (SELECT coalesce(CAST(to_date AS DATE), CAST(timezone('Europe/Amsterdam', now()) AS DATE)) AS day) end_of
),
invoiced AS (
    -- Few of all lines. The customers API does not serve when a line was created, nor whether it is a correction.
    SELECT l.*, coalesce(l.invoice_date, l.creation_date_time, l.last_modified) AS moment
    FROM (
        SELECT * FROM orders.invoice_lines
        UNION ALL BY NAME
        SELECT CAST(NULL AS TIMESTAMPTZ) AS creation_date_time, CAST(NULL AS BOOLEAN) AS is_correction WHERE false
    ) l
    WHERE NOT l.is_deleted
        AND moment >= (SELECT p.begins FROM period p)
        AND moment < (SELECT p.ends FROM period p)
),
carried AS (
    SELECT m.*, coalesce(m.invoice_date, m.creation_date_time, m.last_modified) AS moment
    FROM (
        SELECT * FROM fulfillment.logistic_means_invoice_lines
        UNION ALL BY NAME
        SELECT CAST(NULL AS TIMESTAMPTZ) AS creation_date_time WHERE false
    ) m
    WHERE NOT m.is_deleted
        AND moment >= (SELECT p.begins FROM period p)
        AND moment < (SELECT p.ends FROM period p)
),
days AS (
    -- Converting to Amsterdam's time zone is slow, and there are far fewer distinct times than lines.
    SELECT m.moment, CAST(timezone('Europe/Amsterdam', m.moment) AS DATE) AS day
    FROM (SELECT l.moment FROM invoiced l UNION SELECT c.moment FROM carried c) m
),
lines AS (
    SELECT
        l.account,
        d.day,
        'LINE' AS kind,
        l.invoice_id,
        l.invoice_date,
        l.invoice_line_id,
        l.is_correction,
        l.sales_order_id,
        coalesce(o.sales_channel_order_id, l.sales_channel_order_id) AS sales_channel_order_id,
        o.customer_organization_id,
        o.trade_item_id,
        o.batch_id,
        o.batch_reference,
        l.delivery_form_reference AS delivery_note,
        l.number_of_pieces AS pieces,
        l.sub_total_amount AS amount,
        CASE WHEN o.calculated_fields_total_auction_levies_currency = o.calculated_fields_order_amount_currency
            THEN CAST(
                l.sub_total_amount
                * (o.calculated_fields_total_auction_levies_value / nullif(o.calculated_fields_order_amount_value, 0))
                AS DECIMAL(38, 6)
            )
        END AS levies,
        o.calculated_fields_order_amount_currency AS currency
    FROM invoiced l
    JOIN days d ON d.moment = l.moment
    LEFT JOIN sales o ON o.account = l.account AND o.sales_order_id = l.sales_order_id
),
totals AS (
    SELECT
        l.account,
        l.day,
        'TOTAL' AS kind,
        sum(l.pieces) AS pieces,
        sum(l.amount) AS amount,
        sum(l.levies) AS levies,
        l.currency
    FROM lines l
    GROUP BY ALL
),
carriers AS (
    SELECT
        c.account,
        d.day,
        'LOAD_CARRIER' AS kind,
        c.invoice_id,
        c.invoice_date,
        CAST(c.invoice_line_id AS VARCHAR) AS invoice_line_id,
        c.delivery_note_code AS delivery_note,
        c.logistic_means_type AS load_carrier_type,
        c.number_of_items AS items
    FROM carried c
    JOIN days d ON d.moment = c.moment
),
statement AS (
    FROM lines
    UNION ALL BY NAME
    FROM carriers
    UNION ALL BY NAME
    FROM totals
)
SELECT
    s.account,
    s.day,
    s.kind,
    CASE
        WHEN s.kind = 'TOTAL' THEN NULL
        WHEN s.invoice_id IS NULL AND s.invoice_date IS NULL THEN 'SETTLED'
        ELSE 'INVOICED'
    END AS state,
    s.invoice_id,
    s.invoice_line_id,
    s.is_correction,
    s.sales_order_id,
    s.sales_channel_order_id,
    s.customer_organization_id,
    b.name AS customer,
    s.trade_item_id,
    coalesce(i.trade_item_name_nl, i.name) AS trade_item,
    s.batch_id,
    s.batch_reference,
    s.delivery_note,
    CAST(s.pieces AS BIGINT) AS pieces,
    s.amount,
    s.levies,
    s.currency,
    s.load_carrier_type,
    CAST(s.items AS BIGINT) AS items
FROM statement s
LEFT JOIN organizations.organizations b
    ON b.account = s.account AND b.organization_id = s.customer_organization_id
LEFT JOIN items i ON i.account = s.account AND i.trade_item_id = s.trade_item_id
ORDER BY s.account, s.day DESC, array_position(['LINE', 'LOAD_CARRIER', 'TOTAL'], s.kind), s.invoice_id NULLS LAST,
    s.sales_order_id NULLS LAST, s.invoice_line_id NULLS LAST, s.currency NULLS LAST
