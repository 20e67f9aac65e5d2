account_weeks AS (
    SELECT
        o.account,
        o.monday,
        min(o.day) - o.monday AS first_weekday,
        min(min(o.monday)) OVER of_account AS first_monday
    FROM committed_orders o
    WHERE o.monday < date_trunc('week', timezone('Europe/Amsterdam', now()))  -- the running week is not complete
    GROUP BY o.account, o.monday
    WINDOW of_account AS (PARTITION BY o.account)
),
year_pairs AS (
    -- Weeks in which an account sold something both in that week and in the ISO week of the same number a year earlier.
    -- Its first week may have begun before its data: it can be compared only if that makes no difference.
    SELECT
        w.account,
        w.monday,
        e.monday AS monday_last_year,
        e.monday > e.first_monday OR e.first_weekday <= w.first_weekday AS is_comparable
    FROM account_weeks w
    JOIN account_weeks e
        ON e.account = w.account
        AND isoyear(e.monday) = isoyear(w.monday) - 1
        AND weekofyear(e.monday) = weekofyear(w.monday)
),
comparable_weeks AS (
    SELECT p.account, p.monday, p.monday_last_year
    FROM year_pairs p
    WHERE p.is_comparable
)
