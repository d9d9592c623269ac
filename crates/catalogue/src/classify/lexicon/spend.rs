//! Money, and what costs it.

/// Verbs that move money, whatever their object is.
pub(in crate::classify) const VERBS: &[&str] = &[
    "buy", "capture", "charge", "checkout", "debit", "pay", "purchase", "recharge", "refund", "resize", "settle",
    "withdraw",
];

/// Fields that choose how much of a thing is rented.
pub(in crate::classify) const SIZES: &[&str] = &[
    "algorithm",
    "cluster size",
    "flavor",
    "flavour",
    "instance size",
    "instance type",
    "load balancer type",
    "machine",
    "machine type",
    "node",
    "node size",
    "node type",
    "plan",
    "plan id",
    "server type",
    "size",
    "sku",
    "tier",
];

/// What a machine is made of.
pub(in crate::classify) const MACHINES: &[&str] =
    &["ami", "image", "image id", "instance class", "os", "region", "snapshot id"];

/// What a subscription asks for that is paid, and not defined or listened to.
pub(in crate::classify) const BUYS: &[&str] = &[
    "billing cycle anchor",
    "card",
    "coupon",
    "customer",
    "customer id",
    "default payment method",
    "item",
    "payment method",
    "payment method id",
    "payment source",
    "plan",
    "plan code",
    "plan id",
    "price",
    "price id",
    "quantity",
    "trial day",
];

/// Verbs that move money where their object is one of [`MONEY`].
pub(in crate::classify) const WITH_MONEY: &[&str] = &[
    "accept",
    "activate",
    "approve",
    "broadcast",
    "close",
    "complete",
    "confirm",
    "execute",
    "finalize",
    "finish",
    "force",
    "process",
    "reactivate",
    "reject",
    "release",
    "renew",
    "resume",
    "reverse",
    "send",
    "settle",
    "submit",
    "transfer",
    "upgrade",
    "void",
];

/// Money on its way, or what it is paid for.
pub(in crate::classify) const MONEY: &[&str] = &[
    "bid",
    "booking",
    "charge",
    "checkout",
    "dispute",
    "domain",
    "license",
    "order",
    "payment",
    "payment intent",
    "payout",
    "purchase",
    "quote",
    "refund",
    "seat",
    "settlement",
    "subscription",
    "top up",
    "topup",
    "transaction",
    "transfer",
    "wire",
    "withdrawal",
];

/// To make one moves money, or commits to it.
pub(in crate::classify) const MOVES: &[&str] = &[
    "bank transfer",
    "bet",
    "bid",
    "billing plan",
    "booking",
    "charge",
    "checkout",
    "credit",
    "credit note",
    "deposit",
    "direct debit",
    "disbursement",
    "donation",
    "gift card",
    "invoice payment",
    "license",
    "money transfer",
    "order",
    "payment",
    "payment intent",
    "payment order",
    "payout",
    "payroll",
    "purchase",
    "purchase order",
    "raw transaction",
    "refund",
    "remittance",
    "reservation",
    "reversal",
    "signed transaction",
    "subscription order",
    "top up",
    "topup",
    "trade",
    "transfer",
    "wager",
    "wallet transfer",
    "wire",
    "withdrawal",
];

/// What is paid for as long as it is there.
pub(in crate::classify) const PAID: &[&str] = &[
    "add on",
    "addon",
    "bare metal",
    "cloud server",
    "database cluster",
    "dedicated ip",
    "dedicated server",
    "domain registration",
    "droplet",
    "elastic ip",
    "floating ip",
    "incoming phone number",
    "kubernetes cluster",
    "license purchase",
    "load balancer",
    "managed database",
    "nat gateway",
    "node pool",
    "number order",
    "phone number",
    "primary ip",
    "reserved instance",
    "reserved ip",
    "short code",
    "toll free number",
    "virtual machine",
    "virtual number",
    "virtual server",
    "vm",
    "volume",
];

/// A call that is made says to whom; one that is noted down does not.
pub(in crate::classify) const CALLED: &[&str] = &["callee", "phone number", "recipient", "to", "to number"];

/// What is paid by the piece.
pub(in crate::classify) const SENT: &[&str] = &[
    "fax",
    "letter",
    "mms",
    "outbound call",
    "phone call",
    "postcard",
    "sms",
    "sms message",
    "text message",
    "voice call",
];

/// To change one commits to money as much as to make it.
pub(in crate::classify) const COMMITS: &[&str] = &["billing plan", "buy order", "purchase order", "subscription plan"];

/// Fields that choose where a thing is rented.
pub(in crate::classify) const PLACES: &[&str] =
    &["availability zone", "data center", "datacenter", "location", "region", "region id", "zone"];

/// Below them, no money moves.
pub(in crate::classify) const PLAYS: &[&str] = &["mock", "sandbox", "simulation", "simulator", "test", "test helper"];

/// Fields that say how much.
pub(in crate::classify) const AMOUNTS: &[&str] = &["amount", "currency", "data", "price", "quantity", "sum", "value"];

/// Where money comes from and goes to.
pub(in crate::classify) const PURSES: &[&str] = &["bank", "fund", "money", "payment", "payout", "treasury", "wallet"];

/// What is handed over has an owner.
pub(in crate::classify) const OWNED: &[&str] = &[
    "app",
    "application",
    "device",
    "document",
    "domain",
    "file",
    "folder",
    "organization",
    "project",
    "repo",
    "repository",
    "site",
    "team",
    "workspace",
];

/// What an authorisation in them confirms moves money.
pub(in crate::classify) const CONFIRMED: &[&str] = &["basket", "payment", "signing basket", "transfer"];

/// What is done to a payment, said as a thing.
pub(in crate::classify) const PARTS: &[&str] =
    &["capture", "completion", "refund", "return", "reversal", "settlement", "void"];
