// All sections in their order.

const SECTIONS = [
  { id: "revenue", fact: "sales", title: `${WORD} by week`, build: revenueByWeek, wide: true,
    note: "Committed orders by week of delivery; each week beside the whole week of that number a year earlier." },
  { id: "partners", fact: "sales", title: PARTNER.Many, build: pareto,
    note: `Those that ${BUYS ? "get" : "bring in"} most, and what they make up together.` },
  { id: "items", fact: "sales", title: "Trade items", build: items, note: `What the ${WORD.toLowerCase()} is made of.` },
  { id: "channels", fact: "sales", title: "Sales channels", build: channels, note: "Where orders come in, and how they were traded." },
  { id: "clock", fact: "sales", title: "Clock and direct price", build: clockAndDirect,
    note: "Bare pieces, without packing, services and delivery. What is sold at the clock may differ from what is not." },
  { id: "fill", fact: "fill", title: "Fill rate", build: fillRate, every: true,
    note: "Shipped pieces compared with ordered pieces before all corrections; orders whose delivery has passed." },
  { id: "punctuality", fact: "deliveries", title: "On-time delivery", build: onTime, every: true,
    note: "Load carriers with a reported receipt: fraction received at the latest delivery or before." },
  { id: "corrections", fact: "corrections", title: "Corrections", build: corrections,
    note: "Requests to change an order after the sale, by the week of its delivery." },
  { id: "invoices", fact: "invoices", title: "Open invoices", build: openInvoices,
    note: "Delivered orders that are invoiced differently than ordered, or not at all." },
  { id: "stock", fact: "stock", title: "Stock and sell-through", build: stock, every: true, wide: true,
    note: "Batches by the day of their harvest or production; those of which most is left come first." },
  { id: "actions", fact: "actions", title: "Purchase orders that need action", build: actions, every: true, wide: true,
    note: "Why Floriday made no sales order of them yet, or not the one that was meant." },
];
