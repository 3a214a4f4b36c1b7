//! How every cent of one account's day came about (`nightbill explain`).
//!
//! [`explain`] computes the day again with the pure rules from what is posted and from the catalog that the day was settled
//! with, and compares every row. `past` gathers what the batch knew, `found` what it posted, `steps` listens to the rules, `lines`, `grants`,
//! `bills`, `measured` and `life` tell what came out as plain data (`story`, `grant_story`, `life_story`), `compare` looks for differences; `month` and `page` make a page of it.

mod bills;
mod charts;
mod compare;
mod error;
mod found;
mod grant_story;
mod grants;
mod life;
mod life_story;
mod lines;
mod measured;
mod month;
mod narrow;
mod page;
mod past;
mod reasons;
mod recompute;
mod rows;
mod serial;
mod steps;
mod story;
mod usage;

pub use error::ExplainError;
pub use grant_story::{Draw, GrantStep, GrantStory, Reason, Service, StepOutcome};
pub use life_story::{
    BoughtStory, ChangeStory, DecisionStory, FlagStory, MeasuredStory, Moment, PurchaseStory, RefundStory,
    RenewalStory, StandingStory,
};
pub use month::{DayBills, Month, month};
pub use page::page;
pub use recompute::{Question, explain};
pub use story::{
    BalanceStory, BillStory, ComparedTable, Difference, DurationStory, Explanation, LineStory, PeriodStory,
    QuantityStory, RestStory, UsagePart,
};
