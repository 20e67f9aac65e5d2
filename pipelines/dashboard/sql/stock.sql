-- Batches by the week of their date: those of reports.sell_through, whose other pieces are split into waste and the rest.

SELECT
    d.account,
    week_of(d.day) AS week,
    d.trade_item_id AS item,
    count(*) AS batches,
    sum(d.initial_pieces) AS initial,
    sum(d.sold_pieces) AS sold,
    sum(d.waste_pieces) AS waste,
    sum(d.other_pieces - d.waste_pieces) AS other,
    sum(d.remaining_pieces) AS remaining
FROM sell_through_detail() d
GROUP BY ALL
