-- Batches by the week of their date: reports.sell_through, added up.

SELECT
    s.account,
    week_of(s.batch_date) AS week,
    s.trade_item_id AS item,
    count(*) AS batches,
    sum(s.initial_pieces) AS initial,
    sum(s.sold_pieces) AS sold,
    sum(s.other_pieces) AS other,
    sum(s.remaining_pieces) AS remaining
FROM reports.sell_through s
GROUP BY ALL
