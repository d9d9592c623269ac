//! From what a document says of operations to operations with powers: the classifier, and
//! what the operator says beside it.

use std::{
    collections::{BTreeMap, HashSet, btree_map::Entry},
    sync::Arc,
};

use law::{Power, Powers};

use crate::{
    Answered, By, Facts, Operation, SelectBy, Selector, SelectorRule, Settings,
    carrier::Carrier,
    classify::{Context, Evidence, Powered, classify},
    read::{Draft, Standing},
    selector::{Condition, Wanted},
    trouble::Troubles,
};

/// An operation with its powers, and where it stands.
pub(crate) struct Judged {
    pub(crate) operation: Operation,
    pub(crate) standing: Standing,
}

/// Judges operations one by one, each in the light of the whole document.
pub(crate) struct Judging<'s> {
    settings: &'s Settings,
    context: Context,
    judged: BTreeMap<Order, Judged>,
    /// The selectors of the settings that were met.
    met: HashSet<usize>,
}

/// The order of operations: by template, selector, method.
type Order = (String, String, String);

impl<'s> Judging<'s> {
    pub(crate) fn new(settings: &'s Settings, context: Context) -> Self {
        Self { settings, context, judged: BTreeMap::new(), met: HashSet::new() }
    }

    /// Judges one operation, or each of its variants where the settings name a selector for it.
    pub(crate) fn take(&mut self, draft: Draft, troubles: &mut Troubles) {
        let name = name_of(&draft);
        let settings = self.settings;
        let mut rules = settings.selectors.iter().enumerate().filter(|_| draft.selector.is_none());
        match rules.find(|(_, rule)| rule.operation.matches(&name)) {
            Some((place, rule)) => {
                self.met.insert(place);
                self.variants(&draft, rule, troubles);
            }
            None => {
                let powered = classify(&draft.facts, &self.context);
                let carrier = Carrier::of(&draft.facts).filter(|_| draft.selector.is_none());
                let Some(carrier) = carrier else { return self.put(draft, powered, None, troubles) };
                if !self.is_overridden(&name) {
                    let what = format!("`{name}` has every power: {}", carrier.words());
                    troubles.at(&draft.standing.pointer, what, carrier.mend(&name));
                }
                self.put(draft, feared(powered, "carrier", carrier.words()), None, troubles);
            }
        }
    }

    fn is_overridden(&self, name: &str) -> bool {
        self.settings.overrides.iter().any(|rule| rule.operation.matches(name))
    }

    /// Every operation in its order, once all were taken.
    pub(crate) fn finish(mut self, troubles: &mut Troubles) -> Vec<Judged> {
        let settings = self.settings;
        for (place, rule) in settings.selectors.iter().enumerate() {
            if self.met.contains(&place) {
                continue;
            }
            match rule.operation.literal() {
                Some((method, template)) => self.variants(&undescribed(method, template), rule, troubles),
                None => troubles.settings(
                    format!("the selector of `{}` names no operation", rule.operation),
                    "write the method and the template as the document does",
                ),
            }
        }
        self.override_powers(troubles);
        self.judged.into_values().collect()
    }

    fn put(&mut self, draft: Draft, powered: Powered, given: Option<Powers>, troubles: &mut Troubles) {
        let unread = draft.unread.as_ref().filter(|_| given.is_none());
        let powered = match unread {
            Some(pointer) => feared(powered, "unread", &format!("what stands at `{pointer}` cannot be read")),
            None => powered,
        };
        let mut operation = operation(&draft, powered);
        if let Some(powers) = given {
            give(&mut operation, powers);
        }
        if let Some(pointer) = unread {
            troubles.at(
                &draft.standing.pointer,
                format!("`{}` has every power, because what stands at `{pointer}` cannot be read", operation.name),
                "mend it there, or give the powers in an override",
            );
        }
        let standing = draft.standing;
        let text = operation.selector.as_ref().map_or_else(String::new, |selector| selector.text.clone());
        match self.judged.entry((operation.template.clone(), text, operation.method.clone())) {
            Entry::Occupied(mut known) => {
                troubles.at(
                    &standing.pointer,
                    format!("`{}` is described twice", operation.name),
                    "describe it once; until then it has the powers of both",
                );
                let known = &mut known.get_mut().operation;
                known.powers = known.powers.union(operation.powers);
                known.evidence.extend(operation.evidence);
                known.open &= operation.open;
            }
            Entry::Vacant(place) => {
                place.insert(Judged { operation, standing });
            }
        }
    }

    /// Puts the variants in the place of the operation.
    fn variants(&mut self, draft: &Draft, rule: &SelectorRule, troubles: &mut Troubles) {
        let mut values = rule.values.clone();
        if values.is_empty() {
            values = listed(draft, &rule.by).into_iter().map(|value| (value, None)).collect();
        }
        if values.is_empty() {
            troubles.settings(
                format!("the selector of `{}` has no values, and the document lists none", rule.operation),
                "list the values; until then everything at this address has every power",
            );
            // What is never selected keeps the address closed.
            values.insert(String::new(), Some(Powers::EVERY));
        }
        for (value, powers) in values {
            let field = match &rule.by {
                SelectBy::GraphQl => None,
                SelectBy::Query(name) | SelectBy::Form(name) | SelectBy::QueryOrForm(name) => Some(name),
                SelectBy::Json(name) | SelectBy::Header(name) => Some(name),
            };
            let text = field.map_or_else(|| value.clone(), |name| format!("{name}={value}"));
            let conditions = vec![Condition { by: rule.by.clone(), wanted: Wanted::pattern(&value) }];
            let powered = classify(&facts_of_variant(draft, &rule.by, &value), &self.context);
            self.put(variant(draft, Selector { text, conditions }), powered, powers, troubles);
        }
    }

    fn override_powers(&mut self, troubles: &mut Troubles) {
        for rule in &self.settings.overrides {
            let mut named = 0;
            for Judged { operation, .. } in self.judged.values_mut() {
                if rule.operation.matches(&operation.name) {
                    named += 1;
                    give(operation, rule.powers);
                }
            }
            if named == 0 {
                troubles.settings(
                    format!("the override of `{}` names no operation", rule.operation),
                    "write the method and the template as the document does, and `#**` behind them for operations with a selector",
                );
            }
            if rule.powers.is_empty() {
                troubles.settings(
                    format!("the override of `{}` gives no power, which counts as every power", rule.operation),
                    "give at least `read`",
                );
            }
        }
    }
}

/// Gives powers in the operator's name.
fn give(operation: &mut Operation, powers: Powers) {
    operation.powers = if powers.is_empty() { Powers::EVERY } else { powers };
    operation.evidence.clear();
    operation.by = By::Override;
}

/// What cannot be read or seen could be anything.
fn feared(Powered { powers, mut evidence }: Powered, rule: &'static str, words: &str) -> Powered {
    for power in Power::ALL.into_iter().filter(|power| !powers.contains(*power)) {
        evidence.push((power, Evidence { rule, words: words.to_owned() }));
    }
    evidence.sort_by_key(|(power, _)| *power);
    Powered { powers: Powers::EVERY, evidence }
}

fn operation(draft: &Draft, powered: Powered) -> Operation {
    let Powered { powers, evidence } = powered;
    let facts = &draft.facts;
    Operation {
        name: name_of(draft).into(),
        method: facts.method.clone(),
        template: facts.template.clone(),
        numbers: draft.standing.numbers.clone(),
        selector: draft.selector.clone(),
        powers: if powers.is_empty() { Powers::EVERY } else { powers },
        evidence,
        by: By::Classifier,
        accepted: true,
        open: draft.open,
        security: Arc::clone(&draft.security),
        operation_id: facts.operation_id.clone(),
        summary: facts.summary.clone().or_else(|| facts.description.as_deref().map(first_line)),
        tags: facts.tags.clone(),
        list: draft.list.clone(),
        paging: draft.paging.clone(),
        takes_body: draft.takes_body,
        answered: draft.answered.clone(),
        credential: draft.credential.clone(),
    }
}

pub(crate) fn name_of(draft: &Draft) -> String {
    let Facts { method, template, .. } = &draft.facts;
    match &draft.selector {
        Some(selector) => format!("{method} {template}#{}", selector.text),
        None => format!("{method} {template}"),
    }
}

fn first_line(text: &str) -> String {
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().chars().take(200).collect()
}

/// An address that the document does not describe.
fn undescribed(method: &str, template: &str) -> Draft {
    Draft {
        facts: Facts { method: method.to_owned(), template: template.to_owned(), ..Facts::default() },
        ..Draft::default()
    }
}

/// One of the operations at an address.
fn variant(draft: &Draft, selector: Selector) -> Draft {
    let Facts { method, template, tags, .. } = &draft.facts;
    Draft {
        facts: Facts { method: method.clone(), template: template.clone(), tags: tags.clone(), ..Facts::default() },
        selector: Some(selector),
        security: Arc::clone(&draft.security),
        open: draft.open,
        list: None,
        credential: None,
        answered: Answered::default(),
        paging: draft.paging.clone(),
        takes_body: draft.takes_body,
        choices: Vec::new(),
        standing: draft.standing.clone(),
        unread: draft.unread.clone(),
    }
}

/// What is known of one of the operations at an address: what selects it. The description of
/// the address speaks of all of them, so it says nothing of this one.
fn facts_of_variant(draft: &Draft, by: &SelectBy, value: &str) -> Facts {
    let word = value.trim_end_matches('*');
    // A GraphQL query reads, whatever carries it.
    let (method, word) = match (by, word.split_once('.')) {
        (SelectBy::GraphQl, Some(("query" | "subscription", field))) => ("GET", field),
        (SelectBy::GraphQl, Some((_, field))) => ("POST", field),
        _ => (draft.facts.method.as_str(), word),
    };
    Facts {
        method: method.to_owned(),
        template: draft.facts.template.clone(),
        selected: (*by != SelectBy::GraphQl).then(|| format!("={word}")),
        operation_id: Some(word.to_owned()),
        scopes: draft.facts.scopes.clone(),
        ..Facts::default()
    }
}

/// The values that the document lists for what selects.
fn listed(draft: &Draft, by: &SelectBy) -> Vec<String> {
    let field = |name: &str| {
        let path: Vec<&str> = name.trim_start_matches('/').split('/').collect();
        let fields = &draft.facts.request.fields;
        fields.iter().find(|field| field.path == path).map(|field| field.values.clone())
    };
    let parameter =
        |by: &SelectBy| draft.choices.iter().find(|(known, _)| known == by).map(|(_, values)| values.clone());
    match by {
        SelectBy::Query(_) | SelectBy::Header(_) => parameter(by),
        SelectBy::Form(name) | SelectBy::Json(name) => field(name),
        SelectBy::QueryOrForm(name) => {
            field(name).into_iter().chain(parameter(&SelectBy::Query(name.clone()))).find(|values| !values.is_empty())
        }
        SelectBy::GraphQl => None,
    }
    .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use law::Power;

    use super::*;
    use crate::{Asked, Catalogue, Found, Override, Reading, Selected, Unselected};

    const RPC: &str = "
openapi: 3.0.0
paths:
  /rpc:
    post:
      description: Everything.
      requestBody: {content: {application/json: {schema: {properties: {method: {enum: [listUsers, deleteUser]}}}}}}
";

    fn rule(operation: &str, by: SelectBy, values: &[(&str, Option<Power>)]) -> SelectorRule {
        let values = values.iter().map(|(value, power)| ((*value).to_owned(), power.map(Powers::from)));
        SelectorRule { operation: operation.parse().unwrap(), by, values: values.collect() }
    }

    fn read(document: &str, selectors: Vec<SelectorRule>, overrides: Vec<Override>) -> Reading {
        Catalogue::read(document.as_bytes(), &Settings { selectors, overrides, ..Settings::default() }).unwrap()
    }

    fn names(reading: &Reading) -> Vec<&str> {
        reading.catalogue.operations().iter().map(|operation| &*operation.name).collect()
    }

    #[test]
    fn values_come_from_the_settings_or_from_the_document() {
        let json = || SelectBy::Json("method".into());
        let listed = read(RPC, vec![rule("POST /rpc", json(), &[])], Vec::new());
        assert_eq!(names(&listed), ["POST /rpc#method=deleteUser", "POST /rpc#method=listUsers"]);
        let given =
            read(RPC, vec![rule("POST /*", json(), &[("get*", Some(Power::Read)), ("drop", None)])], Vec::new());
        assert_eq!(names(&given), ["POST /rpc#method=drop", "POST /rpc#method=get*"]);
        assert_eq!(given.catalogue.operations()[1].powers, Power::Read.into());
        assert_eq!(given.catalogue.operations()[1].by, By::Override);
        assert!(listed.troubles.is_empty() && given.troubles.is_empty());
    }

    #[test]
    fn what_carries_other_calls_has_every_power_until_somebody_says_what_is_carried() {
        const BATCH: &str = "{openapi: 3.0.0, paths: {/batch: {post: {summary: Send several}}}}";
        let reading = read(BATCH, Vec::new(), Vec::new());
        let (_, operation) = reading.catalogue.named("POST /batch").unwrap();
        assert_eq!((operation.powers, operation.by), (Powers::EVERY, By::Classifier));
        assert!(reading.troubles[0].mend.contains("[[api.override]] of `POST /batch`"), "{}", reading.troubles[0]);
        let known = Override { operation: "POST /batch".parse().unwrap(), powers: Power::Run.into() };
        let told = read(BATCH, Vec::new(), vec![known]);
        assert_eq!(told.catalogue.named("POST /batch").unwrap().1.powers, Power::Run.into());
        assert!(told.troubles.is_empty());
        let selected =
            read(BATCH, vec![rule("POST /batch", SelectBy::Json("do".into()), &[("send", None)])], Vec::new());
        assert_eq!(names(&selected), ["POST /batch#do=send"]);
        assert!(selected.troubles.is_empty());
    }

    #[test]
    fn a_variant_is_judged_by_its_own_name_and_not_by_its_address() {
        let reading = read(RPC, vec![rule("POST /rpc", SelectBy::Json("method".into()), &[])], Vec::new());
        let powers = |name: &str| reading.catalogue.named(name).unwrap().1.powers;
        assert!(powers("POST /rpc#method=deleteUser").contains(Power::Destroy));
        assert!(!powers("POST /rpc#method=listUsers").contains(Power::Destroy));
    }

    #[test]
    fn an_address_that_only_the_settings_know_is_described_by_them() {
        let graphql = rule("POST /graphql", SelectBy::GraphQl, &[("query.users", None), ("mutation.deleteUser", None)]);
        let reading = read("{openapi: 3.0.0, paths: {}}", vec![graphql], Vec::new());
        assert!(reading.troubles.is_empty());
        let Found::Choice(choice) = reading.catalogue.find("POST", &["graphql"]) else { panic!() };
        let select = |body: &str| {
            let asked =
                Asked { content_type: Some("application/json"), body: Some(body.as_bytes()), ..Asked::default() };
            choice.select(&asked)
        };
        let Selected::Described(found) = select(r#"{"query": "{ users { id } }"}"#) else { panic!() };
        assert_eq!((&*found.operation.name, found.powers), ("POST /graphql#query.users", Power::Read.into()));
        let Selected::Described(found) = select(r#"{"query": "mutation { a: deleteUser }"}"#) else { panic!() };
        assert!(found.powers.contains(Power::Destroy));
        let both = r#"[{"query": "{ users { id } }"}, {"query": "mutation { deleteUser }"}]"#;
        let Selected::Described(found) = select(both) else { panic!() };
        assert!(found.powers.contains(Power::Destroy) && found.powers.contains(Power::Read));
        for unknown in [r#"{"query": "{ users secrets }"}"#, r#"{"query": "mutation { users }"}"#] {
            assert!(matches!(select(unknown), Selected::Undescribed(Unselected::Unknown)), "{unknown}");
            assert_eq!(select(unknown).powers(), Powers::EVERY);
        }
    }

    #[test]
    fn a_selector_without_values_closes_its_address() {
        let reading = read(RPC, vec![rule("POST /rpc", SelectBy::Query("op".into()), &[])], Vec::new());
        assert_eq!(reading.troubles.len(), 1);
        let Found::Choice(choice) = reading.catalogue.find("POST", &["rpc"]) else { panic!() };
        for query in ["", "op", "op=", "op=listUsers"] {
            assert_eq!(choice.select(&Asked { query, ..Asked::default() }).powers(), Powers::EVERY, "{query}");
        }
    }

    #[test]
    fn the_last_override_counts_and_one_that_names_nothing_is_told() {
        let rule = |operation: &str, powers: Powers| Override { operation: operation.parse().unwrap(), powers };
        let reading = read(
            RPC,
            Vec::new(),
            vec![
                rule("* /**", Power::Mint.into()),
                rule("POST /rpc", Powers::NONE),
                rule("DELETE /rpc", Power::Read.into()),
            ],
        );
        let operation = &reading.catalogue.operations()[0];
        assert_eq!((operation.powers, operation.by), (Powers::EVERY, By::Override));
        assert!(operation.evidence.is_empty());
        assert_eq!(reading.troubles.len(), 2);
        assert!(reading.troubles.iter().all(|trouble| trouble.pointer.is_none()));
    }

    #[test]
    fn what_is_described_twice_has_the_powers_of_both_and_is_open_if_both_are() {
        let document = "
openapi: 3.0.0
paths:
  users: {delete: {security: []}}
  /users: {DELETE: {operationId: createToken}, delete: {security: []}}
";
        let reading = read(document, Vec::new(), Vec::new());
        assert_eq!(names(&reading), ["DELETE /users"]);
        let operation = &reading.catalogue.operations()[0];
        assert!(operation.powers.contains(Power::Destroy) && !operation.open);
        assert!(reading.troubles.iter().any(|trouble| trouble.what.contains("described twice")));
    }
}
