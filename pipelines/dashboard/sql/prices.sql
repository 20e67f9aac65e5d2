-- Orders below the minimum of their clock supply line, or below the price of their contract: those of reports.price_alerts.

SELECT
    d.account,
    week_of(d.monday) AS week,
    {partner} AS partner,
    d.trade_item_id AS item,
    d.price_money AS currency,
    d.kind,
    count(*) AS orders,
    sum(d.pieces) AS pieces,
    sum(d.paid) AS paid,
    sum(CAST(d.reference AS DECIMAL(38, 6)) * d.pieces) AS due
FROM price_alerts_detail() d
GROUP BY ALL
