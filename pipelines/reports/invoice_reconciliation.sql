-- Invoices against orders: one row for each sales order that is not invoiced, not completely, or otherwise than ordered.
--
-- Only orders with status COMMITTED must be invoiced, as they are after all corrections; other orders are in this
-- report only if an amount was invoiced and not credited. Deleted orders are left out. An order counts after its latest
-- delivery; orders without that time count too, unless from_date or to_date is given. What is not settled, settled in
-- part (also if that part is invoiced) or not invoiced is in this report from 7 days after that day on, or as many as
-- grace_days says: settlement and invoice follow the delivery by some days. Differences are in it at once.
--
-- An invoice line is first settled, then invoiced. Only lines with an invoice count as invoiced; settled lines without
-- one are in separate columns. Corrections are separate lines and count like the others. Lines have no currency; that
-- of the order is assumed. Amounts that differ by less than a cent are equal; an unknown amount is not compared. An
-- order is settled in part while its lines, settled and invoiced ones together, have fewer pieces than the order, and a
-- smaller amount: also one of which a part is invoiced and the rest has no line. Whether the rest follows or is a
-- shortage, only a later line or correction shows.
--
-- Plantion and VRM do not report their invoices, and what is paid outside of Floriday (payment provider OTHER) has none
-- there: whether such an order is invoiced cannot be known, unless there is a line. Lines of orders that are not in the
-- warehouse are left out. What is open and what was invoiced too much are two columns: of several orders, they must not
-- be subtracted from each other.
--
-- The cause says how the invoices differ from the order: NOT_INVOICED without any invoice (what is settled then, the
-- state says), IN_PART if fewer pieces and less money are invoiced, MORE_PIECES if more pieces and not less money,
-- LOWER_PRICE or HIGHER_PRICE if the pieces alone do not explain the amount, CREDITED if all that was invoiced is
-- credited, NOT_COMMITTED if an order that counts for nothing is invoiced, CANNOT_BE_KNOWN as the state.
--
-- parameters:
--   from_date   first day of delivery, in Amsterdam
--   to_date     last day of delivery, in Amsterdam
--   currency    only this currency, as ISO 4217
--   customer    only this buyer, by the organization's id
--   grower      only this grower, by the organization's id
--   grace_days  days after the latest delivery before a missing settlement or invoice is reported; 7 if not given
--
-- columns:
--   account                   name of the account in the settings
--   sales_order_id            the order (orders.sales_orders)
--   sales_channel_order_id    its number at the sales channel
--   delivery_date             day of its latest delivery, in Amsterdam
--   seller_organization_id    seller (organizations.organizations)
--   seller_name               its name; NULL if it is not in the warehouse
--   customer_organization_id  buyer (organizations.organizations)
--   customer_name             its name; NULL if it is not in the warehouse
--   status                    the order's status
--   state                     NOT_SETTLED, SETTLED_IN_PART, NOT_INVOICED (all is settled), DIFFERS or CANNOT_BE_KNOWN
--   ordered_pieces            pieces, after all corrections; 0 if the order is not COMMITTED
--   invoiced_pieces           pieces that were invoiced
--   order_amount              value of the order, in the currency; 0 if it is not COMMITTED
--   invoiced_amount           invoiced amount, in the currency; NULL if unknown
--   difference                order amount minus invoiced amount: above 0 if too little was invoiced; NULL if unknown
--   currency                  currency of the order, as ISO 4217
--   settled_pieces            pieces that are settled and not yet invoiced
--   settled_amount            settled amount that is not yet invoiced, in the currency; NULL if unknown
--   open_amount               difference if too little was invoiced, else 0; NULL if that cannot be known
--   excess_amount             what was invoiced too much, else 0; NULL if that cannot be known
--   days_open                 days since its latest delivery
--   trade_item_id             ordered trade item (catalog.trade_items)
--   cause                     how the invoices differ from the order: NOT_INVOICED, IN_PART and the others above
--   invoice_numbers           numbers of its invoices, separated by commas; NULL if none is known
--
-- tables:
--   orders.invoice_lines
--   orders.sales_orders
--   organizations.organizations

WITH
{days},
invoiced AS (
    SELECT
        l.account,
        l.sales_order_id,
        CAST(sum(l.number_of_pieces) AS BIGINT) AS pieces,
        sum(l.sub_total_amount) AS amount
    FROM orders.invoice_lines l
    WHERE NOT l.is_deleted AND (l.invoice_id IS NOT NULL OR l.invoice_date IS NOT NULL)
    GROUP BY ALL
),
settled AS (
    SELECT
        l.account,
        l.sales_order_id,
        CAST(sum(l.number_of_pieces) AS BIGINT) AS pieces,
        sum(l.sub_total_amount) AS amount
    FROM orders.invoice_lines l
    WHERE NOT l.is_deleted AND l.invoice_id IS NULL AND l.invoice_date IS NULL
    GROUP BY ALL
),
compared AS (
    SELECT
        o.account,
        o.sales_order_id,
        o.sales_channel_order_id,
        d.day,
        coalesce(o.seller_organization_id, o.supplier_organization_id) AS seller_organization_id,
        o.supplier_organization_id,
        o.customer_organization_id,
        o.trade_item_id,
        o.sales_channel,
        o.trade_instrument,
        o.status,
        CASE WHEN o.status = 'COMMITTED' THEN o.number_of_pieces ELSE 0 END AS ordered_pieces,
        coalesce(i.pieces, 0) AS invoiced_pieces,
        CASE WHEN o.status = 'COMMITTED' THEN o.calculated_fields_order_amount_value ELSE 0 END AS order_amount,
        CASE WHEN i.account IS NULL THEN 0 ELSE i.amount END AS invoiced_amount,
        o.calculated_fields_order_amount_currency AS money,
        coalesce(s.pieces, 0) AS settled_pieces,
        CASE WHEN s.account IS NULL THEN 0 ELSE s.amount END AS settled_amount,
        i.account IS NOT NULL AS has_invoices,
        i.account IS NOT NULL OR s.account IS NOT NULL AS has_lines,
        CASE
            WHEN o.sales_channel = 'PLANTION_CLOCK' OR o.payment_provider = 'PLANTION' THEN 'PLANTION'
            WHEN o.sales_channel = 'VRM_CLOCK' OR o.payment_provider = 'VRM' THEN 'VRM'
            WHEN o.payment_provider = 'OTHER' THEN 'OTHER'
        END AS outside
    FROM orders.sales_orders o
    LEFT JOIN days d ON d.moment = o.delivery_latest_delivery_date_time
    LEFT JOIN invoiced i ON i.account = o.account AND i.sales_order_id = o.sales_order_id
    LEFT JOIN settled s ON s.account = o.account AND s.sales_order_id = o.sales_order_id
    WHERE NOT o.is_deleted
        AND coalesce(o.delivery_latest_delivery_date_time <= now(), true)
        AND (currency IS NULL OR o.calculated_fields_order_amount_currency = upper(currency))
        AND (customer IS NULL OR o.customer_organization_id = CAST(customer AS UUID))
        AND (grower IS NULL
            OR coalesce(o.seller_organization_id, o.supplier_organization_id) = CAST(grower AS UUID))
        -- Only orders that differ; most do not. Compared here, because what follows would be computed for all orders first.
        AND CASE o.status
            WHEN 'COMMITTED'
            THEN o.number_of_pieces <> coalesce(i.pieces, 0)
                OR abs(o.calculated_fields_order_amount_value - CASE WHEN i.account IS NULL THEN 0 ELSE i.amount END) >= 0.01
            ELSE coalesce(i.pieces, 0) <> 0 OR abs(coalesce(i.amount, 0)) >= 0.01
        END
),
differences AS (
    SELECT
        c.*,
        c.order_amount - c.invoiced_amount AS difference,
        c.ordered_pieces - c.invoiced_pieces - c.settled_pieces AS unsettled_pieces,
        c.order_amount - c.invoiced_amount - c.settled_amount AS unsettled_amount,
        CAST(timezone('Europe/Amsterdam', now()) AS DATE) - c.day AS days_open
    FROM compared c
),
stated AS (
    SELECT
        d.*,
        CASE
            WHEN NOT d.has_lines AND d.outside IS NOT NULL THEN 'CANNOT_BE_KNOWN'
            WHEN NOT d.has_lines THEN 'NOT_SETTLED'
            WHEN d.unsettled_pieces = 0 AND coalesce(abs(d.unsettled_amount), 0) < 0.01 THEN 'NOT_INVOICED'
            WHEN d.unsettled_pieces >= 1 AND d.unsettled_pieces < d.ordered_pieces AND coalesce(d.unsettled_amount >= 0.01, true)
                THEN 'SETTLED_IN_PART'
            ELSE 'DIFFERS'
        END AS state
    FROM differences d
),
detail AS (
    SELECT
        d.*,
        CASE WHEN d.state = 'CANNOT_BE_KNOWN' THEN d.outside END AS unknown_because,
        CASE
            WHEN d.state = 'CANNOT_BE_KNOWN' THEN 'CANNOT_BE_KNOWN'
            WHEN NOT d.has_invoices THEN 'NOT_INVOICED'
            WHEN d.status IS DISTINCT FROM 'COMMITTED' THEN 'NOT_COMMITTED'
            WHEN d.invoiced_pieces = 0 AND abs(d.invoiced_amount) < 0.01 THEN 'CREDITED'
            WHEN d.invoiced_pieces > d.ordered_pieces AND coalesce(d.difference < 0.01, true) THEN 'MORE_PIECES'
            WHEN d.invoiced_pieces < d.ordered_pieces AND coalesce(d.difference >= 0.01, true) THEN 'IN_PART'
            WHEN d.difference >= 0.01 THEN 'LOWER_PRICE'
            ELSE 'HIGHER_PRICE'
        END AS cause,
        CASE WHEN d.state = 'CANNOT_BE_KNOWN' THEN NULL WHEN d.difference < 0 THEN 0 ELSE d.difference END AS open_amount,
        CASE WHEN d.state = 'CANNOT_BE_KNOWN' THEN NULL WHEN d.difference > 0 THEN 0 ELSE -d.difference END AS excess_amount
    FROM stated d
    WHERE (d.state = 'DIFFERS' OR d.days_open IS NULL OR d.days_open >= coalesce(CAST(grace_days AS INTEGER), 7))
        AND (from_date IS NULL OR d.day >= CAST(from_date AS DATE))
        AND (to_date IS NULL OR d.day <= CAST(to_date AS DATE))
),
numbers AS (
    SELECT
        l.account,
        l.sales_order_id,
        string_agg(DISTINCT l.invoice_id, ', ' ORDER BY l.invoice_id) AS invoice_numbers
    FROM orders.invoice_lines l
    SEMI JOIN detail d ON d.account = l.account AND d.sales_order_id = l.sales_order_id AND d.has_invoices
    WHERE NOT l.is_deleted AND l.invoice_id IS NOT NULL
    GROUP BY ALL
)
SELECT
    c.account,
    c.sales_order_id,
    c.sales_channel_order_id,
    c.day AS delivery_date,
    c.seller_organization_id,
    s.name AS seller_name,
    c.customer_organization_id,
    b.name AS customer_name,
    c.status,
    c.state,
    c.ordered_pieces,
    c.invoiced_pieces,
    c.order_amount,
    c.invoiced_amount,
    c.difference,
    c.money AS currency,
    c.settled_pieces,
    c.settled_amount,
    c.open_amount,
    c.excess_amount,
    c.days_open,
    c.trade_item_id,
    c.cause,
    m.invoice_numbers
FROM detail c
LEFT JOIN numbers m ON m.account = c.account AND m.sales_order_id = c.sales_order_id
LEFT JOIN organizations.organizations s
    ON s.account = c.account AND s.organization_id = c.seller_organization_id
LEFT JOIN organizations.organizations b
    ON b.account = c.account AND b.organization_id = c.customer_organization_id
ORDER BY c.account, c.day NULLS LAST, c.sales_order_id
