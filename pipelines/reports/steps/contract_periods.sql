{committed_orders},
versions AS (
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
        l.contract_line_id,
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
order_sums AS (
    SELECT
        o.account,
        o.blanket_order_line_id,
        o.price_money AS money,
        sum(o.pieces) AS committed_pieces,
        sum(o.pieces) FILTER (o.latest_delivery <= now()) AS delivered_pieces,
        sum(o.paid) AS paid,
        sum(o.priced_pieces) AS priced_pieces
    FROM committed_orders o
    WHERE o.blanket_order_line_id IS NOT NULL
    GROUP BY ALL
),
ordered AS (
    -- Prices in another currency than the contract's are left out.
    SELECT
        l.account,
        b.contract_id,
        l.contract_line_period_id,
        sum(o.committed_pieces) AS committed_pieces,
        sum(o.delivered_pieces) AS delivered_pieces,
        sum(o.paid) FILTER (o.money = c.currency) AS paid,
        sum(o.priced_pieces) FILTER (o.money = c.currency) AS priced_pieces
    FROM order_sums o
    JOIN orders.blanket_order_lines l
        ON l.account = o.account AND l.blanket_order_line_id = o.blanket_order_line_id
    JOIN orders.blanket_orders b ON b.account = l.account AND b.blanket_order_id = l.blanket_order_id
    LEFT JOIN orders.contracts c ON c.account = b.account AND c.contract_id = b.contract_id
    GROUP BY ALL
),
to_come AS (
    -- What is still to be delivered of the orders of each call-off; without such pieces, it has none.
    SELECT
        o.account,
        o.blanket_order_line_id,
        sum(o.number_of_pieces) FILTER (
            o.status IN ('PENDING', 'ACCEPTED', 'COMMITTED')
            AND coalesce(o.delivery_latest_delivery_date_time > now(), true)
        ) AS pieces
    FROM orders.sales_orders o
    WHERE o.blanket_order_line_id IS NOT NULL AND NOT o.is_deleted
    GROUP BY ALL
),
called_off AS (
    SELECT
        b.account,
        b.contract_id,
        l.contract_line_period_id,
        sum(l.number_of_pieces) FILTER (b.status_approval_status = 'APPROVED') AS called_off_pieces,
        sum(l.number_of_pieces) FILTER (b.status_approval_status = 'FINALIZED') AS waiting_pieces,
        count(*) FILTER (
            b.status_approval_status = 'APPROVED' AND l.lies_outside_of_contract_line_period_margins
        ) AS outside_margin,
        -- A call-off becomes an order shortly before its delivery.
        sum(
            CASE
                WHEN o.account IS NOT NULL THEN o.pieces
                WHEN coalesce(b.delivery_date_time > now(), true) THEN l.number_of_pieces
            END
        ) FILTER (b.status_approval_status = 'APPROVED') AS outstanding_pieces
    FROM orders.blanket_orders b
    JOIN orders.blanket_order_lines l ON l.account = b.account AND l.blanket_order_id = b.blanket_order_id
    LEFT JOIN to_come o ON o.account = l.account AND o.blanket_order_line_id = l.blanket_order_line_id
    WHERE NOT b.is_deleted
    GROUP BY ALL
),
called AS (
    SELECT * FROM called_off
    UNION ALL BY NAME
    SELECT * FROM ordered
),
drawn AS (
    SELECT
        c.account,
        coalesce(same.contract_line_period_id, newer.contract_line_period_id) AS contract_line_period_id,
        sum(c.called_off_pieces) AS called_off_pieces,
        sum(c.waiting_pieces) AS waiting_pieces,
        sum(c.outside_margin) AS outside_margin,
        sum(c.outstanding_pieces) AS outstanding_pieces,
        sum(c.committed_pieces) AS committed_pieces,
        sum(c.delivered_pieces) AS delivered_pieces,
        sum(c.paid) AS paid,
        sum(c.priced_pieces) AS priced_pieces
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
)
