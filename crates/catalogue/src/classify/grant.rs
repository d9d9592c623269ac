//! `grant`: users, roles, permissions, membership, sharing and visibility.

use super::{
    MUTATES, Rule, SETS,
    act::{Act, Hit, Place, Said},
    field::Named,
    lexicon::{grant as lexicon, spend as spend_words},
    mint, spend,
    verbs::Effect,
    words,
};

pub(super) const RULES: &[Rule] = &[
    Rule { id: "grant.object", when: MUTATES, judge: object },
    Rule { id: "grant.person", when: MUTATES, judge: person },
    Rule { id: "grant.account", when: MUTATES, judge: account },
    Rule { id: "grant.signup", when: SETS, judge: sign_up },
    Rule { id: "grant.verb", when: MUTATES, judge: verb },
    Rule { id: "grant.inside", when: MUTATES, judge: inside },
    Rule { id: "grant.field", when: SETS, judge: field },
    Rule { id: "grant.public", when: SETS, judge: public },
    Rule { id: "grant.credential", when: SETS, judge: credential },
];

/// Changes who belongs to what, or what they may do.
fn object(act: &Act<'_>) -> Option<String> {
    if act.does(&["watch"]).is_some() {
        return None;
    }
    tie(act).or_else(|| office(act)).map(|hit| format!("changes {hit}"))
}

/// What ties a person to a thing: removing it takes something from the person and destroys nothing.
pub(super) fn tie(act: &Act<'_>) -> Option<Hit> {
    let of_network = |hit: &Hit| lexicon::NETWORK_TOO.contains(&hit.term) && act.object(lexicon::NETWORK).is_some();
    // Members of a mailing list are addresses.
    let of_list = |hit: &Hit| {
        hit.term == "member" && (act.under(lexicon::MAILING_LISTS).is_some() || act.any_object(&["list member"]))
    };
    // Whose birthday and city are written down, is a record of a community.
    let recorded = |hit: &Hit| {
        let about = |named: &Named<'_>| words::is_any(&named.words, lexicon::RECORDED);
        hit.term == "member" && act.effect != Effect::Remove && act.asks.iter().filter(|named| about(named)).count() > 1
    };
    act.object(lexicon::TIES).filter(|hit| !of_network(hit) && !of_list(hit) && !recorded(hit)).or_else(|| belongs(act))
}

/// A person in a group, a group in a thing, or a thing of a group: `/teams/{id}/users/{user}`.
fn belongs(act: &Act<'_>) -> Option<Hit> {
    let object = act.objects.first().filter(|said| said.place == Place::Path)?;
    let is = |terms: &[&'static str]| terms.iter().copied().find(|term| words::is(&object.words, term));
    if act.is_in(lexicon::TALKS)
        && let Some(term) = is(&["participant"])
    {
        return Some(Hit { term, place: Place::Path });
    }
    let term = if act.is_in(lexicon::TOGETHER) {
        is(lexicon::PEOPLE)
    } else if act.is_in(lexicon::PEOPLE) {
        is(&["assistant", "authorization", "delegate", "group", "role", "scheduler", "team"])
    } else if act.is_in(lexicon::SHARED_THINGS) {
        is(&["group", "team", "user"])
    } else {
        None
    };
    let of_team = || {
        is(lexicon::SHARED_THINGS)
            .filter(|_| act.one && act.facts.method != "PATCH" && act.is_in(lexicon::USERS_OF_THINGS))
    };
    term.or_else(of_team).map(|term| Hit { term, place: Place::Path })
}

/// A role, a team or the like: a thing, whose removal destroys it.
pub(super) fn office(act: &Act<'_>) -> Option<Hit> {
    // Where nobody has an account, a role says what a thing is for.
    let signs = act.asks(lexicon::SIGN_UP_NAMES).or_else(|| act.asks(lexicon::PASSWORDS)).is_some();
    act.object_itself(lexicon::OFFICES)
        .filter(|hit| hit.is_in_a_name() || hit.place == Place::Summary && hit.term != "administrator")
        .filter(|hit| act.context.accounts || hit.term != "role" && (!lexicon::BELOW.contains(&hit.term) || signs))
}

/// Whether the object is a person, so that a field of theirs weighs more.
pub(super) fn is_person(act: &Act<'_>) -> bool {
    act.object(lexicon::PEOPLE).is_some_and(|hit| hit.place != Place::Description)
}

/// Creates or removes a person or a group of people, or changes their standing.
fn person(act: &Act<'_>) -> Option<String> {
    let hit = act.object_itself(lexicon::PEOPLE).or_else(|| group(act))?;
    // Where nobody signs in, users are records, unless the path says that something is done to their standing.
    if !act.context.accounts {
        let standing = || {
            act.does_there(lexicon::STANDING, Place::Path).filter(|verb| verb.term != "link" && verb.term != "block")
        };
        return match act.effect {
            Effect::Remove => (hit.place == Place::Path).then(|| format!("removes {hit}")),
            _ => standing().map(|verb| format!("{verb} acts on {hit}")),
        };
    }
    match act.effect {
        Effect::Make => {
            let made = act.makes(lexicon::PEOPLE).or_else(|| act.makes(lexicon::GROUPS))?;
            // "Add a user as a reviewer" creates a review.
            let asked = act.objects.first().is_some_and(|said| words::ends_with_any(&said.words, lexicon::ASKED));
            (!asked || made.is_in_a_name()).then(|| format!("creates {made}"))
        }
        // A text may speak of a person that something else is done to.
        Effect::Remove => hit.is_in_a_name().then(|| format!("removes {hit}")),
        _ => {
            // An upsert makes as well.
            let upserts = act.facts.method == "POST"
                && !act.one
                && hit.place == Place::Path
                && act.does_there(lexicon::STANDING, Place::Path).is_none()
                && act.verbs.iter().all(|verb| verb.place != Place::Path);
            if upserts {
                return Some(format!("creates or changes {hit}"));
            }
            let standing = act.does(lexicon::STANDING).map(|verb| format!("{verb} acts on {hit}"));
            let of_group = || act.asks(lexicon::GROUP_FIELDS).filter(|_| lexicon::GROUPS.contains(&hit.term));
            let sets = || act.asks(lexicon::PERSON_FIELDS).or_else(of_group).filter(|_| hit.is_in_a_name());
            standing.or_else(|| sets().map(|name| format!("sets `{name}` of {hit}")))
        }
    }
}

/// A group of people: no other group is meant anywhere.
fn group(act: &Act<'_>) -> Option<Hit> {
    let hit = act.object(lexicon::GROUPS).filter(Hit::is_in_a_name)?;
    let is_version = |word: &str| word.chars().any(|c| c.is_ascii_digit());
    let is_other = |pair: &[String]| matches!(pair, [kind, group] if group == "group" && !lexicon::SAID_OF_GROUPS.contains(&kind.as_str()) && !is_version(kind));
    let other = act.objects.iter().flat_map(|said| said.words.windows(2)).any(is_other)
        || act.under(lexicon::OTHER_PLACES).is_some()
        || !act.context.groups && act.asks(lexicon::GROUP_FIELDS).is_none();
    (!other).then_some(hit)
}

/// Changes the standing of an account, which may be a person's.
fn account(act: &Act<'_>) -> Option<String> {
    if act.is_in(lexicon::PEOPLE)
        && let Some(hit) = act.object_alone(lexicon::OF_A_PERSON)
    {
        return Some(format!("changes {hit} of a person"));
    }
    // One's own account; accounts of a list are of money as often.
    if act.effect == Effect::Remove {
        let own = act
            .object_alone(lexicon::OWN_ACCOUNTS)
            .filter(|_| act.context.accounts && !act.facts.template.contains('{'));
        return own.map(|hit| format!("removes {hit}"));
    }
    let hit = act.object_itself(&["account", "user profile"]).filter(|_| act.effect == Effect::Change)?;
    let standing = || act.does(lexicon::STANDING).filter(Hit::is_in_a_name).map(|verb| format!("{verb} acts on {hit}"));
    act.asks(lexicon::ACCOUNT_FIELDS).map(|name| format!("sets `{name}` of {hit}")).or_else(standing)
}

/// Makes somebody able to sign in: a name and a password that nothing was there for.
fn sign_up(act: &Act<'_>) -> Option<String> {
    let named = || act.asks(lexicon::SIGN_UP_NAMES);
    if let Some(verb) = act.does(lexicon::SIGNS_UP).or_else(|| act.object_alone(lexicon::SIGN_UPS))
        && (act.asks(lexicon::PASSWORDS).is_some() || act.objects.is_empty() || is_person(act))
    {
        return named().map(|name| format!("{verb} asks for `{name}`"));
    }
    let makes = act.effect == Effect::Make && (act.object_itself(lexicon::SIGNED_UP).is_some() || is_person(act));
    if !makes || mint::signs_in(act) {
        return None;
    }
    let (name, password) = (named()?, act.asks(lexicon::PASSWORDS)?);
    Some(format!("sets `{name}` and `{password}` of somebody new"))
}

/// Says what a credential may do.
fn credential(act: &Act<'_>) -> Option<String> {
    // A new one has no more than its maker; an old one can get more than it had.
    let hit = mint::credential(act).filter(|_| act.effect == Effect::Change && !act.any_object(&["secret"]))?;
    act.asks(lexicon::SCOPES).map(|name| format!("sets `{name}` of {hit}"))
}

fn verb(act: &Act<'_>) -> Option<String> {
    if mint::credential(act).is_some() {
        return None;
    }
    let transfer = || act.does(&["transfer"]).or_else(|| act.object_itself(&["transfer"]));
    let handed = || act.mentions(lexicon::HANDED_OVER).is_some();
    let owned = || act.object(spend_words::OWNED).is_some() || act.is_in(spend_words::OWNED) || is_person(act);
    let hands_over = || transfer().filter(|_| spend::is_other_transfer(act) && owned() || handed());
    let publishes = || act.does(&["publish", "unpublish"]).filter(|_| act.mentions(&["private"]).is_some());
    // To assign a person to a task says who does it; to a folder, who may look into it.
    let assigns = || {
        act.does(&["assign", "unassign"]).filter(|_| is_person(act) && act.mentions(lexicon::SHARED_THINGS).is_some())
    };
    let attaches = || act.does(&["attach", "detach"]).filter(|_| act.object_alone(&["policy"]).is_some());
    let admits = || act.does(&["approve", "restrict"]).filter(|_| act.object_itself(&["app", "application"]).is_some());
    let shown = || act.object_itself(&["private", "public"]).filter(Hit::is_in_a_name);
    // Addresses are shared by machines.
    let shares = |hit: &Hit| {
        let spoken = hit.place == Place::Description;
        hit.term != "share" || !spoken && act.mentions(&["ip", "ip address", "ipv4", "ipv6"]).is_none()
    };
    act.does(lexicon::VERBS)
        .filter(shares)
        .or_else(hands_over)
        .or_else(publishes)
        .or_else(assigns)
        .or_else(attaches)
        .or_else(admits)
        .or_else(shown)
        .map(|hit| format!("does {hit}"))
}

/// Changes what lies inside a role or a permission.
fn inside(act: &Act<'_>) -> Option<String> {
    act.under(lexicon::INSIDE)
        .filter(|_| act.under(lexicon::NETWORK).is_none())
        .map(|hit| format!("changes what lies in {hit}"))
}

/// Changes a role or a permission, among other fields.
fn field(act: &Act<'_>) -> Option<String> {
    let of_person = is_person(act) || tie(act).is_some() || act.asks(lexicon::SOMEBODY).is_some();
    let role = || act.asks(lexicon::ROLES).filter(|_| of_person);
    // `add_members`, `demote_moderators`.
    let members = || {
        let is_list = |named: &Named<'_>| named.field.is_some_and(|field| field.kind.contains("array"));
        act.asks
            .iter()
            .find(|named| {
                named.level == 1
                    && is_list(named)
                    && named.words.len() > 1
                    && words::ends_with_any(&named.words, lexicon::LISTED)
            })
            .map(|named| named.name)
    };
    let opens = opens(act);
    // A right that can only have one value is no choice.
    let chosen = |named: &&Named<'_>| {
        let made = !opens && words::is_any(&named.words, lexicon::VISIBLE);
        named.level == 1
            && !made
            && (words::is_any(&named.words, lexicon::FIELDS) || named.contains_any(&["user permission"]))
            && named.field.is_none_or(|field| field.values.len() != 1)
    };
    // `public_source` is a choice, `public_url` is none.
    let open_choice = |named: &&Named<'_>| {
        let is_choice = named.field.is_some_and(|field| field.kind.contains("boolean"));
        opens
            && named.level == 1
            && is_choice
            && named.words.first().is_some_and(|word| word == "public" || word == "private")
    };
    // `functional_roles`.
    let roles = |named: &&Named<'_>| {
        let is_list = named.field.is_some_and(|field| field.kind.contains("array"));
        named.level == 1 && is_list && named.words.len() > 1 && words::ends_with(&named.words, "role")
    };
    let first = |fits: &dyn Fn(&&Named<'_>) -> bool| act.asks.iter().find(fits).map(|named| named.name);
    let named = first(&chosen).or_else(|| first(&open_choice)).or_else(|| first(&roles)).or_else(role).or_else(members);
    named.map(|name| format!("sets `{name}`"))
}

/// Whether something that was there can be seen by more: what is new was nobody's secret before, but for what is
/// published, copied or generated from something else.
fn opens(act: &Act<'_>) -> bool {
    let made_of = |verb: &Said| verb.place == Place::Path && !words::is_any(&verb.words, lexicon::MAKES);
    act.effect == Effect::Change || act.verbs.iter().any(made_of)
}

/// A choice between all and some is a choice of who can see.
fn public(act: &Act<'_>) -> Option<String> {
    let chooses = |named: &&Named<'_>| {
        let open = named.can_be(lexicon::OPEN_VALUES) && named.can_be(lexicon::CLOSED_VALUES);
        // On shelves, things are visible too.
        let said = named.said();
        let told = said.is_empty() || ["access", "private", "public", "who "].iter().any(|word| said.contains(word));
        opens(act) && named.level == 1 && (open || words::ends_with(&named.words, "visibility") && told)
    };
    act.asks.iter().find(chooses).map(|named| format!("sets `{}`, which can be public", named.name))
}
