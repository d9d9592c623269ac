//! `spend`: moves money, or starts what costs it.

use super::{
    MAKES, MUTATES, Rule, SETS,
    act::{Act, Hit},
    lexicon::spend as lexicon,
    mint,
    verbs::Effect,
};

pub(super) const RULES: &[Rule] = &[
    Rule { id: "spend.verb", when: MUTATES, judge: verb },
    Rule { id: "spend.object", when: SETS, judge: object },
    Rule { id: "spend.resource", when: MAKES, judge: resource },
    Rule { id: "spend.size", when: MAKES, judge: size },
    Rule { id: "spend.sending", when: MAKES, judge: sending },
];

fn verb(act: &Act<'_>) -> Option<String> {
    if is_play(act) || mint::credential(act).is_some() {
        return None;
    }
    // A battery is charged too.
    if let Some(hit) = act.does(lexicon::VERBS).filter(|_| act.mentions(&["battery", "ev", "vehicle"]).is_none()) {
        return Some(format!("does {hit}"));
    }
    // Only a message about it is sent.
    let verb = act
        .does(lexicon::WITH_MONEY)
        .filter(|verb| verb.term != "send" || act.mentions(&["email", "mail", "notification"]).is_none())?;
    act.object_itself(lexicon::MONEY).filter(|_| !is_other_transfer(act)).map(|hit| format!("{verb} acts on {hit}"))
}

fn object(act: &Act<'_>) -> Option<String> {
    // Shops report their orders to others, too.
    if is_play(act) || is_other_transfer(act) || act.under(&["ecommerce", "ecommerce store"]).is_some() {
        return None;
    }
    let changes = || act.object_itself(lexicon::COMMITS).filter(|_| act.effect == Effect::Change);
    // Who confirms a payment makes it.
    let confirms = || {
        act.object(&["authorisation", "authorization"]).filter(|_| {
            act.effect != Effect::Remove
                && act.under(lexicon::CONFIRMED).is_some()
                && act.object(&["cancellation", "cancellation authorisation"]).is_none()
        })
    };
    let parts = || act.object_alone(lexicon::PARTS).filter(|_| act.is_in(&["payment", "transaction"]));
    act.makes(lexicon::MOVES).or_else(changes).or_else(confirms).or_else(parts).map(|hit| format!("commits to {hit}"))
}

/// Starts something that is paid for as long as it is there.
fn resource(act: &Act<'_>) -> Option<String> {
    let bought = || act.makes(&["subscription"]).filter(|_| act.asks(lexicon::BUYS).is_some());
    let machine = || {
        let sized = act.asks(lexicon::MACHINES).is_some() || act.asks(lexicon::SIZES).is_some();
        act.makes(&["cluster", "instance", "machine", "server"]).filter(|_| sized)
    };
    // A person's own number is verified, not bought.
    let own = |hit: &Hit| hit.term == "phone number" && act.mentions(&["profile", "verification", "verify"]).is_some();
    let paid = act.makes(lexicon::PAID).filter(|hit| hit.is_in_a_name() && !own(hit));
    paid.or_else(bought).or_else(machine).map(|hit| format!("makes {hit}"))
}

/// What has a place and a size is rented.
fn size(act: &Act<'_>) -> Option<String> {
    let place = act.asks(lexicon::PLACES)?;
    let size = act.asks(lexicon::SIZES)?;
    Some(format!("asks for `{place}` and `{size}`"))
}

/// Sends what is paid by the piece.
fn sending(act: &Act<'_>) -> Option<String> {
    // A call that is made says to whom; one that is noted down does not.
    let says_whom = act.facts.request.fields.is_empty() || act.asks(lexicon::CALLED).is_some();
    let called = || act.makes(&["call"]).filter(|_| says_whom);
    let texted = || {
        act.makes(&["message"]).filter(|_| {
            act.asks(&["to"]).is_some() && act.asks(&["from"]).is_some() && act.asks(&["subject"]).is_none()
        })
    };
    act.makes(lexicon::SENT).or_else(called).or_else(texted).map(|hit| format!("sends {hit}"))
}

/// Money of a rehearsal.
fn is_play(act: &Act<'_>) -> bool {
    act.under(lexicon::PLAYS).is_some()
}

/// Something else than money is handed over: nothing says how much.
pub(super) fn is_other_transfer(act: &Act<'_>) -> bool {
    let transfer = act.object(&["credit", "reservation", "transfer"]).is_some() || act.does(&["transfer"]).is_some();
    let money = act.asks(lexicon::AMOUNTS).is_some() || act.mentions(lexicon::PURSES).is_some();
    transfer && !money && (!act.asks.is_empty() || act.is_in(lexicon::OWNED))
}
