//! `usage.cost`: what the models used and cost, day by day where the gateway is.

use super::super::refusals::{Refusal, invalid, read, store_refusal};
use super::super::router::Call;
use crate::store::AnswerUsage;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How many days are told of where nothing is said, and at most.
const USUAL_DAYS: u16 = 30;
const MOST_DAYS: u16 = 366;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CostParams {
    days: Option<u16>,
    start_date: Option<String>,
    end_date: Option<String>,
}

/// `usage.cost`.
pub(super) async fn cost(call: Call, params: Value) -> Result<Value, Refusal> {
    let params: CostParams = read("usage.cost", params)?;
    let zone = &call.gateway.config.time_zone;
    let now = Timestamp::now();
    let days = days_of(&params, now.to_zoned(zone.clone()).date())?;
    let since = days
        .first()
        .and_then(|first| first.to_zoned(zone.clone()).ok())
        .map_or(0, |start| start.timestamp().as_millisecond());
    let answers = call
        .gateway
        .store
        .usage_since(u64::try_from(since).unwrap_or(0))
        .await
        .map_err(store_refusal)?;
    let (daily, totals) = summed(&days, &answers, zone);
    Ok(json!({
        "updatedAt": now.as_millisecond(), "days": days.len(), "daily": daily,
        "totals": totals.report(),
        "cacheStatus": {"status": "fresh", "cachedFiles": 0, "pendingFiles": 0, "staleFiles": 0},
    }))
}

/// Returns the days that are asked for, oldest first.
fn days_of(params: &CostParams, today: Date) -> Result<Vec<Date>, Refusal> {
    let date = |name: &str, text: &Option<String>| match text.as_deref().map(str::parse::<Date>) {
        None => Ok(None),
        Some(Ok(date)) => Ok(Some(date)),
        Some(Err(_)) => Err(invalid(&format!(
            "invalid usage.cost params: at /{name}: must be written as 2026-11-22"
        ))),
    };
    let last = date("endDate", &params.end_date)?.unwrap_or(today);
    let count = i64::from(params.days.unwrap_or(USUAL_DAYS).clamp(1, MOST_DAYS));
    let first = match date("startDate", &params.start_date)? {
        Some(first) => first,
        None => last
            .checked_sub(Span::new().days(count - 1))
            .map_err(|_| invalid("usage.cost endDate is too early"))?,
    };
    if first > last {
        return Err(invalid("usage.cost startDate is after endDate"));
    }
    let days: Vec<Date> = first
        .series(Span::new().days(1))
        .take_while(|day| *day <= last)
        .take(usize::from(MOST_DAYS) + 1)
        .collect();
    if days.len() > usize::from(MOST_DAYS) {
        return Err(invalid("usage.cost tells of 366 days at most"));
    }
    Ok(days)
}

/// What one day, or all of them, used.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    input: u64,
    output: u64,
    cache_read: u64,
    cache_write: u64,
    tokens: u64,
    input_cost: f64,
    output_cost: f64,
    cache_read_cost: f64,
    cache_write_cost: f64,
    cost: f64,
    without_cost: u64,
}

impl Sum {
    fn add(&mut self, usage: &Value) {
        let count = |name: &str| usage.get(name).and_then(Value::as_u64).unwrap_or(0);
        let cost = |name: &str| usage.get("cost")?.get(name)?.as_f64();
        self.input += count("input");
        self.output += count("output");
        self.cache_read += count("cacheRead");
        self.cache_write += count("cacheWrite");
        self.tokens += count("totalTokens");
        self.input_cost += cost("input").unwrap_or(0.0);
        self.output_cost += cost("output").unwrap_or(0.0);
        self.cache_read_cost += cost("cacheRead").unwrap_or(0.0);
        self.cache_write_cost += cost("cacheWrite").unwrap_or(0.0);
        match cost("total") {
            Some(total) => self.cost += total,
            None => self.without_cost += 1,
        }
    }

    fn report(&self) -> Value {
        json!({
            "input": self.input, "output": self.output, "cacheRead": self.cache_read,
            "cacheWrite": self.cache_write, "totalTokens": self.tokens, "totalCost": self.cost,
            "inputCost": self.input_cost, "outputCost": self.output_cost,
            "cacheReadCost": self.cache_read_cost, "cacheWriteCost": self.cache_write_cost,
            "missingCostEntries": self.without_cost,
        })
    }
}

fn summed(days: &[Date], answers: &[AnswerUsage], zone: &TimeZone) -> (Vec<Value>, Sum) {
    let mut by_day: BTreeMap<Date, Sum> = days.iter().map(|day| (*day, Sum::default())).collect();
    let mut totals = Sum::default();
    for answer in answers {
        let moment = i64::try_from(answer.at_ms)
            .ok()
            .and_then(|ms| Timestamp::from_millisecond(ms).ok());
        let day = moment.map(|moment| moment.to_zoned(zone.clone()).date());
        if let Some(sum) = day.and_then(|day| by_day.get_mut(&day)) {
            sum.add(&answer.usage);
            totals.add(&answer.usage);
        }
    }
    let daily = by_day
        .iter()
        .map(|(day, sum)| {
            let mut report = sum.report();
            report["date"] = json!(day.to_string());
            report
        })
        .collect();
    (daily, totals)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn params(days: Option<u16>, start: Option<Date>, end: Option<Date>) -> CostParams {
        CostParams {
            days,
            start_date: start.map(|date| date.to_string()),
            end_date: end.map(|date| date.to_string()),
        }
    }

    #[test]
    fn thirty_days_end_today_and_dates_that_are_given_count() {
        let today = date(2026, 11, 22);
        let days = days_of(&params(None, None, None), today).unwrap();
        assert_eq!((days.len(), days[0]), (30, date(2026, 10, 24)));
        assert_eq!(days.last(), Some(&today));

        let one = params(None, Some(today), Some(today));
        assert_eq!(days_of(&one, today).unwrap(), [today]);
        let backwards = params(None, Some(today), Some(date(2026, 1, 1)));
        assert!(days_of(&backwards, today).is_err());
        let too_many = params(None, Some(date(2020, 1, 1)), None);
        assert!(days_of(&too_many, today).is_err());
    }

    #[test]
    fn an_answer_counts_on_the_day_it_was_given_where_the_gateway_is() {
        let usage = json!({"input": 11, "output": 7, "totalTokens": 18, "cacheRead": 0,
            "cacheWrite": 0, "cost": {"input": 0.5, "output": 0.25, "total": 0.75}});
        // 23:30 in Berlin on the 21st, and something long ago.
        let late = AnswerUsage {
            at_ms: 1_795_300_200_000,
            usage,
        };
        let old = AnswerUsage {
            at_ms: 5,
            usage: json!({"input": 1000}),
        };
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        let days = [date(2026, 11, 21), date(2026, 11, 22)];

        let (daily, totals) = summed(&days, &[old, late], &zone);

        assert_eq!(daily[0]["date"], "2026-11-21");
        assert_eq!(daily[0]["totalTokens"], 18);
        assert_eq!(daily[0]["totalCost"], 0.75);
        assert_eq!(daily[1]["totalTokens"], 0);
        assert_eq!(totals.report()["input"], 11);
    }
}
