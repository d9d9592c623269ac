//! All operations of an API, and which of them a request asks for.

mod found;

use std::collections::BTreeSet;

use law::Powers;

pub use self::found::{Beside, Choice, Found, Match, Selected, TwoOperations};
use crate::{
    By, Case, CredentialPlace, EncodedSlash, Lock, Operation, OperationId, Pattern, ReadError, Settings, TrailingSlash,
    Trouble,
    careless::Careless,
    classify::Context,
    judge::{Judged, Judging},
    read::{self, path_of},
    selector::Variants,
    template::{Segment, Template},
    tree::{Place, Tree},
    trouble::Troubles,
};

/// A catalogue and what was wrong with its document.
#[derive(Debug)]
pub struct Reading {
    /// What the document describes.
    pub catalogue: Catalogue,
    /// What was skipped or assumed.
    pub troubles: Vec<Trouble>,
}

/// All operations of an API.
#[derive(Debug)]
pub struct Catalogue {
    operations: Vec<Operation>,
    places: Vec<CredentialPlace>,
    tree: Tree,
    /// By the template's place in the tree.
    addresses: Vec<Vec<Address>>,
    /// How careless upstreams read paths, where that could make a difference.
    careless: Option<Careless>,
    trailing_slash: TrailingSlash,
    encoded_slash: EncodedSlash,
    /// Whether some operation is told by a verb behind `:`, so that others may be.
    custom_methods: bool,
    base: String,
    /// The methods of all operations.
    methods: BTreeSet<Box<str>>,
}

/// One method at one template.
#[derive(Debug)]
struct Address {
    method: Box<str>,
    /// Operations that nothing needs to select.
    plain: Vec<OperationId>,
    variants: Option<Box<Variants>>,
}

impl Address {
    fn operations(&self) -> impl Iterator<Item = OperationId> {
        let variants = self.variants.iter().flat_map(|variants| variants.operations());
        self.plain.iter().copied().chain(variants)
    }
}

/// The methods that frameworks take from elsewhere in a request.
const OVERRIDABLE: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// What asks about a resource. An API that does not tell methods apart does what GET does.
pub(crate) const JUDGED_AS_GET: [&str; 2] = ["HEAD", "OPTIONS"];

/// The methods of HTTP itself (RFC 9110, RFC 5789).
const USUAL: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];

impl Catalogue {
    /// Reads an OpenAPI document, 2.0, 3.0 or 3.1, in JSON or YAML.
    ///
    /// # Errors
    /// Where it is no OpenAPI document at all. What is only partly wrong is a [`Trouble`].
    pub fn read(bytes: &[u8], settings: &Settings) -> Result<Reading, ReadError> {
        let mut troubles = Troubles::default();
        let mut drafts = Vec::new();
        let document = read::read(bytes, &mut troubles, |draft, _| drafts.push(draft))?;
        let context = Context::of(drafts.iter().map(|draft| &draft.facts));
        let mut judging = Judging::new(settings, context);
        drafts.into_iter().for_each(|draft| judging.take(draft, &mut troubles));
        let judged = judging.finish(&mut troubles);
        let bases = match &settings.base {
            Some(base) => vec![path_of(base)],
            None => document.bases,
        };
        let catalogue = Self::compile(judged, document.places, &bases, settings, &mut troubles);
        let mut troubles = troubles.into_list();
        read::find_lines(bytes, &mut troubles);
        Ok(Reading { catalogue, troubles })
    }

    /// The operation that a request asks for.
    ///
    /// `segments` are what stands between the slashes of the path, each percent-decoded once,
    /// the slash at the beginning left out: `/users/a%2Fb/` is `["users", "a/b", ""]`.
    pub fn find<'c, 'p>(&'c self, method: &str, segments: &'p [&'p str]) -> Found<'c, 'p> {
        self.find_in(&self.tree, method, segments)
    }

    /// What other methods at this path let their caller do, beside this one.
    ///
    /// # Errors
    /// Where two readings of the path come to different operations.
    pub fn powers_of_others(&self, method: &str, readings: &[Vec<&str>]) -> Result<Powers, TwoOperations> {
        let mut powers = Powers::NONE;
        for other in OVERRIDABLE.into_iter().filter(|other| *other != method) {
            let (found, beside) = self.find_however_read(other, readings)?;
            if !matches!(found, Found::Undescribed) {
                powers = powers.union(found.powers()).union(beside.powers);
            }
        }
        Ok(powers)
    }

    /// Whether another method at the address of each operation could do something sensitive
    /// that the operation cannot, so that a second method named in a request would matter.
    pub fn is_weaker_than_others(&self) -> Vec<bool> {
        let sensitive = |address: &Address| {
            let powers = address.operations().filter_map(|id| self.operation(id)).map(|operation| operation.powers);
            powers.fold(Powers::NONE, Powers::union).intersection(Powers::SENSITIVE)
        };
        let addresses: Vec<(&Template, &Address, Powers)> = self
            .tree
            .templates()
            .iter()
            .zip(&self.addresses)
            .flat_map(|(template, all)| all.iter().map(move |address| (template, address)))
            .map(|(template, address)| (template, address, sensitive(address)))
            .collect();
        let mut weaker = vec![false; self.operations.len()];
        for (template, address, _) in &addresses {
            let others = addresses.iter().filter(|(other, at, _)| {
                at.method != address.method && OVERRIDABLE.contains(&&*at.method) && template.may_meet(other)
            });
            let more = others.fold(Powers::NONE, |all, (_, _, powers)| all.union(*powers));
            for id in address.operations() {
                let place = usize::try_from(id.0).ok();
                let is_superset = self.operation(id).is_some_and(|operation| operation.powers.is_superset(more));
                if let Some(flag) = place.and_then(|place| weaker.get_mut(place)) {
                    *flag |= !is_superset;
                }
            }
        }
        weaker
    }

    fn find_in<'c, 'p>(&'c self, tree: &'c Tree, method: &str, segments: &'p [&'p str]) -> Found<'c, 'p> {
        let segments = match (self.trailing_slash, segments) {
            (TrailingSlash::Ignored, [rest @ .., ""]) if !rest.is_empty() => rest,
            _ => segments,
        };
        let fits = tree.find(segments, |place| self.address(place, method).is_some());
        if fits.too_many {
            return Found::Undescribed;
        }
        let is_allowed = |template: &Template| {
            template.allows(segments) && !(self.custom_methods && template.may_name_method(segments))
        };
        let mut addresses = fits
            .iter()
            .filter_map(|place| Some((tree.template(place)?, self.address(place, method)?)))
            .filter(|(template, _)| is_allowed(template));
        let Some(first) = addresses.next() else { return Found::Undescribed };
        match (addresses.next(), first) {
            (None, (template, Address { plain, variants: None, .. })) => {
                let ids = plain.iter().map(|id| (template, *id));
                self.describe(ids, segments).map_or(Found::Undescribed, Found::Described)
            }
            (second, first) => {
                let all: Vec<_> = [first].into_iter().chain(second).chain(addresses).collect();
                if all.iter().any(|(_, address)| address.variants.is_some()) {
                    return Found::Choice(Choice { catalogue: self, addresses: all, segments });
                }
                let ids = all.iter().flat_map(|(template, address)| address.plain.iter().map(|id| (*template, *id)));
                self.describe(ids, segments).map_or(Found::Undescribed, Found::Described)
            }
        }
    }

    /// The operation that a path asks for, whichever way its upstream reads it. The first
    /// reading is the one that is judged; `readings` are as [`find`](Self::find) takes them.
    ///
    /// Where a careless upstream would take the path for another operation's (one that minds
    /// neither case, nor blanks and dots around a segment, nor an ending like `.json`), that
    /// operation and its powers count too.
    ///
    /// A reading of as many segments (routed undecoded, decoded twice) must come to the same
    /// operation. One of more segments (split at an encoded slash) counts too, and where nothing
    /// is described there, it has every power, unless the upstream is known not to split.
    ///
    /// # Errors
    /// Where two readings come to different operations.
    pub fn find_however_read<'c, 'p>(
        &'c self,
        method: &str,
        readings: &'p [Vec<&'p str>],
    ) -> Result<(Found<'c, 'p>, Beside<'c>), TwoOperations> {
        let judged = readings.first().map_or(&[][..], Vec::as_slice);
        let found = self.find(method, judged);
        let mut beside = Beside::default();
        self.read_carelessly(method, &found, judged, &mut beside);
        for reading in readings.iter().skip(1) {
            let other = self.find(method, reading);
            self.read_carelessly(method, &other, reading, &mut beside);
            if reading.len() != judged.len() {
                if !matches!(other, Found::Undescribed) || self.encoded_slash == EncodedSlash::Either {
                    beside.add(&other);
                }
            } else if other.names() != found.names() {
                return Err(TwoOperations);
            }
        }
        Ok((found, beside))
    }

    fn read_carelessly<'c>(&'c self, method: &str, found: &Found<'_, '_>, judged: &[&str], beside: &mut Beside<'c>) {
        let Some(careless) = &self.careless else { return };
        let could_be_another = match found {
            Found::Described(found) => careless.could_be_another(found.id),
            Found::Choice(_) => true,
            // It has every power already.
            Found::Undescribed => false,
        };
        if !could_be_another {
            return;
        }
        for reading in careless.readings(judged) {
            let segments: Vec<&str> = reading.iter().map(AsRef::as_ref).collect();
            let other = self.find_in(&careless.tree, method, &segments);
            let is_same = match (found, &other) {
                (Found::Described(found), Found::Described(other)) => found.id == other.id,
                (_, Found::Undescribed) => true,
                _ => found.names() == other.names(),
            };
            if !is_same {
                beside.add(&other);
            }
        }
    }

    /// Every operation, sorted by template, selector and method.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The operation with this id.
    pub fn operation(&self, id: OperationId) -> Option<&Operation> {
        self.operations.get(usize::try_from(id.0).ok()?)
    }

    /// The operation with this name, such as `DELETE /users/{name}`.
    pub fn named(&self, name: &str) -> Option<(OperationId, &Operation)> {
        let place = self.operations.iter().position(|operation| &*operation.name == name)?;
        Some((OperationId(u32::try_from(place).ok()?), self.operations.get(place)?))
    }

    /// Whether the pattern names anything that a request may be called, described or not.
    pub fn is_named_by(&self, pattern: &Pattern) -> bool {
        let methods = USUAL.into_iter().chain(self.methods.iter().map(|method| &**method)).chain(["OTHER"]);
        self.operations.iter().any(|operation| pattern.matches(&operation.name))
            || methods.into_iter().any(|method| pattern.matches(&format!("{method} *")))
    }

    /// How a request is called that nothing here describes: `DELETE *`. A method that neither HTTP
    /// nor the document has is `OTHER`, for whoever calls makes up as many as they like.
    pub fn undescribed(&self, method: &str) -> String {
        let is_known = USUAL.contains(&method) || self.methods.contains(method);
        format!("{} *", if is_known { method } else { "OTHER" })
    }

    /// Where the paths begin, such as `/api/v3`; the first, where the document names several.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Where the document says that credentials travel.
    pub fn credential_places(&self) -> &[CredentialPlace] {
        &self.places
    }

    /// Names of security schemes that the document demands together: such a pair is one credential.
    pub fn credentials_together(&self) -> BTreeSet<Vec<&str>> {
        let alternatives = self.operations.iter().flat_map(|operation| &operation.security.alternatives);
        alternatives
            .filter(|all| all.len() > 1)
            .map(|all| all.iter().map(|requirement| requirement.scheme.as_str()).collect())
            .collect()
    }

    /// The same catalogue as the lock has it: powers, who decided on them, and openness come
    /// from the lock, and an operation that it does not know has every power and is open to
    /// nobody.
    #[must_use]
    pub fn obeying(mut self, lock: &Lock) -> Self {
        for operation in &mut self.operations {
            match lock.operations.get(&*operation.name) {
                Some(locked) => {
                    operation.powers = if locked.powers.is_empty() { Powers::EVERY } else { locked.powers };
                    operation.open = locked.open;
                    operation.by = locked.by;
                    operation.accepted = true;
                }
                None => {
                    operation.powers = Powers::EVERY;
                    operation.open = false;
                    operation.by = By::Classifier;
                    operation.accepted = false;
                }
            }
        }
        self
    }

    /// Every operation at every address where requests find it.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = (&str, &Template, OperationId)> {
        let all = self.addresses.iter().enumerate().flat_map(|(place, addresses)| {
            let template = Place::try_from(place).ok().and_then(|place| self.tree.template(place));
            template.into_iter().flat_map(|template| addresses.iter().map(move |address| (template, address)))
        });
        all.flat_map(|(template, address)| {
            let variants = address.variants.iter().flat_map(|variants| variants.operations());
            address.plain.iter().copied().chain(variants).map(move |id| (&*address.method, template, id))
        })
    }

    /// Whether letter case tells no paths apart.
    pub(crate) const fn tree_folds(&self) -> bool {
        self.tree.fold()
    }

    /// Whether a slash at the end tells no paths apart.
    pub(crate) fn ignores_trailing_slash(&self) -> bool {
        self.trailing_slash == TrailingSlash::Ignored
    }

    fn address(&self, place: Place, method: &str) -> Option<&Address> {
        let addresses = self.addresses.get(usize::try_from(place).ok()?)?;
        let of = |method: &str| addresses.iter().find(|address| &*address.method == method);
        // What is not described for itself is judged as GET.
        of(method).or_else(|| JUDGED_AS_GET.contains(&method).then(|| of("GET")).flatten())
    }

    /// One answer for all that a request may be.
    fn describe<'c, 'p>(
        &'c self,
        ids: impl Iterator<Item = (&'c Template, OperationId)>,
        segments: &'p [&'p str],
    ) -> Option<Match<'c, 'p>> {
        let (mut powers, mut open, mut merged) = (Powers::NONE, true, Vec::new());
        let mut most: Option<(&Template, OperationId, &Operation)> = None;
        for (template, id) in ids {
            let operation = self.operation(id)?;
            powers = powers.union(operation.powers);
            open &= operation.open;
            // Nearly always there is but one.
            if let Some((_, _, known)) = most {
                merged.extend([known, operation]);
            }
            let weight =
                |powers: Powers| (powers.intersection(Powers::SENSITIVE).iter().count(), powers.iter().count());
            if most.is_none_or(|(_, _, known)| weight(operation.powers) > weight(known.powers)) {
                most = Some((template, id, operation));
            }
        }
        let (template, id, operation) = most?;
        let parameters = template.values(segments, self.tree.fold());
        Some(Match { id, operation, powers, open, parameters, merged })
    }

    fn compile(
        judged: Vec<Judged>,
        places: Vec<CredentialPlace>,
        bases: &[String],
        settings: &Settings,
        troubles: &mut Troubles,
    ) -> Self {
        let mut catalogue = Self {
            operations: Vec::with_capacity(judged.len()),
            places,
            tree: Tree::new(settings.case == Case::Insensitive),
            addresses: Vec::new(),
            careless: None,
            trailing_slash: settings.trailing_slash,
            encoded_slash: settings.encoded_slash,
            custom_methods: false,
            base: bases.first().cloned().unwrap_or_default(),
            methods: BTreeSet::new(),
        };
        for Judged { operation, standing } in judged {
            let Ok(id) = u32::try_from(catalogue.operations.len()).map(OperationId) else { break };
            let address = format!("{} {}", operation.method, operation.template);
            let spans = |name: &str| {
                let mut configured = settings.multi_segment.iter().filter(|multi| multi.parameter == name);
                standing.multi.iter().any(|multi| multi == name)
                    || configured.any(|multi| multi.operation.matches(&address))
            };
            let own = standing.bases.as_deref().filter(|_| settings.base.is_none());
            for base in own.unwrap_or(bases) {
                match Template::parse(&format!("{base}{}", operation.template), spans) {
                    Ok(template) => {
                        let numbers = &operation.numbers;
                        let mut template = template.with_numbers(|name| numbers.iter().any(|known| known == name));
                        catalogue.custom_methods |= template.has_custom_method();
                        if settings.trailing_slash == TrailingSlash::Ignored && template.segments.len() > 1 {
                            template.segments.pop_if(|last| *last == Segment::Literal(String::new()));
                        }
                        catalogue.place(template, &operation, id);
                    }
                    Err(error) => troubles.once(
                        &standing.pointer,
                        format!("`{}` cannot be matched: {error}", operation.template),
                        "what it describes counts as undescribed until the template is mended",
                    ),
                }
            }
            catalogue.methods.insert(operation.method.as_str().into());
            catalogue.operations.push(operation);
        }
        let of_place = |place: usize| {
            let addresses = catalogue.addresses.get(place).map_or(&[][..], Vec::as_slice);
            addresses.iter().flat_map(Address::operations).collect()
        };
        catalogue.careless = Careless::of(&catalogue.tree, of_place);
        catalogue
    }

    fn place(&mut self, template: Template, operation: &Operation, id: OperationId) {
        let place = usize::try_from(self.tree.add(template)).unwrap_or(usize::MAX);
        if place >= self.addresses.len() {
            self.addresses.push(Vec::new());
        }
        let Some(addresses) = self.addresses.get_mut(place) else { return };
        let known = addresses.iter().position(|address| *address.method == *operation.method);
        let at = known.unwrap_or_else(|| {
            let method = operation.method.as_str().into();
            addresses.push(Address { method, plain: Vec::new(), variants: None });
            addresses.len() - 1
        });
        let Some(address) = addresses.get_mut(at) else { return };
        match &operation.selector {
            None => address.plain.push(id),
            Some(selector) => address.variants.get_or_insert_default().add(&selector.conditions, id),
        }
    }
}

#[cfg(test)]
mod tests;
