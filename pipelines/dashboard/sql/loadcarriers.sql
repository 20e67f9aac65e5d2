-- Shipped and invoiced load carriers: those of reports.load_carriers.

SELECT
    d.account,
    week_of(d.day) AS week,
    d.load_carrier_type AS kind,
    sum(d.carriers) AS carriers,
    sum(coalesce(d.additional_layers, 0)) AS layers,
    sum(coalesce(d.invoiced, 0)) AS invoiced,
    sum(coalesce(d.invoiced_layers, 0)) AS invoiced_layers
FROM load_carriers_detail() d
GROUP BY ALL
