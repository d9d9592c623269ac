//! All operations of an API, and which of them a request asks for.

use std::collections::BTreeSet;

use law::Powers;

use crate::{
    Asked, By, Case, CredentialPlace, EncodedSlash, Lock, Operation, OperationId, ReadError, SelectBy, Settings,
    TrailingSlash, Trouble, Unselected,
    careless::Careless,
    classify::Context,
    graphql,
    judge::{Judged, Judging},
    read::{self, path_of},
    selector::{self, Variants},
    template::{ParameterValue, Segment, Template},
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

/// What a request asks for.
#[derive(Debug)]
pub enum Found<'c, 'p> {
    /// One operation.
    Described(Match<'c, 'p>),
    /// One of several, which something else in the request tells apart.
    Choice(Choice<'c, 'p>),
    /// Nothing that is described: it has every power.
    Undescribed,
}

/// What a request asks for, once query and body were looked at.
#[derive(Debug)]
pub enum Selected<'c, 'p> {
    /// One operation.
    Described(Match<'c, 'p>),
    /// Nothing that is described: it has every power.
    Undescribed(Unselected),
}

/// The operation that a request asks for.
#[derive(Clone, Debug)]
pub struct Match<'c, 'p> {
    /// Its place in the catalogue.
    pub id: OperationId,
    /// The operation. Where the request may be one of several, the one with the most powers.
    pub operation: &'c Operation,
    /// What the request lets its caller do: the powers of all the operations that it may be.
    pub powers: Powers,
    /// Whether anybody may call it: all the operations that it may be are open.
    pub open: bool,
    /// The values of the template's parameters, in the template's order.
    pub parameters: Vec<(&'c str, ParameterValue<'p>)>,
    /// All that it may be, where that is more than this one.
    pub merged: Vec<&'c Operation>,
}

/// What a request asks for besides, where somebody reads its path in another way.
#[derive(Clone, Debug, Default)]
pub struct Beside<'c> {
    /// What that lets its caller do.
    pub powers: Powers,
    /// The operations.
    pub operations: Vec<&'c Operation>,
}

impl<'c> Beside<'c> {
    fn add(&mut self, found: &Found<'c, '_>) {
        self.powers = self.powers.union(found.powers());
        match found {
            Found::Described(found) => self.operations.extend([found.operation].iter().chain(&found.merged)),
            Found::Choice(choice) => self.operations.extend(choice.candidates()),
            Found::Undescribed => {}
        }
    }
}

/// Several operations at one address.
#[derive(Debug)]
pub struct Choice<'c, 'p> {
    catalogue: &'c Catalogue,
    addresses: Vec<(&'c Template, &'c Address)>,
    segments: &'p [&'p str],
}

/// The methods that frameworks take from elsewhere in a request.
const OVERRIDABLE: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// The methods of HTTP itself (RFC 9110, RFC 5789).
const USUAL: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];

/// A path that could be read in two ways, as two operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TwoOperations;

impl Found<'_, '_> {
    /// The names of the operations that it may be.
    fn names(&self) -> Vec<&str> {
        match self {
            Self::Described(found) => vec![&*found.operation.name],
            Self::Choice(choice) => choice.candidates().map(|operation| &*operation.name).collect(),
            Self::Undescribed => Vec::new(),
        }
    }

    /// What the request lets its caller do, as far as the path tells.
    pub fn powers(&self) -> Powers {
        match self {
            Self::Described(found) => found.powers,
            Self::Choice(_) | Self::Undescribed => Powers::EVERY,
        }
    }
}

impl Selected<'_, '_> {
    /// What the request lets its caller do.
    pub fn powers(&self) -> Powers {
        match self {
            Self::Described(found) => found.powers,
            Self::Undescribed(_) => Powers::EVERY,
        }
    }
}

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
        of(method).or_else(|| (method == "HEAD").then(|| of("GET")).flatten())
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

impl<'c, 'p> Choice<'c, 'p> {
    /// Whether a body of this `Content-Type` must be read before it can be selected; `None` where
    /// there is no one type that can be read.
    pub fn needs_body(&self, content_type: Option<&str>) -> bool {
        self.by().any(|by| by.needs_body(content_type))
    }

    /// Whether the query alone selects it, where there is no form in the body.
    pub fn is_by_query(&self) -> bool {
        self.by().all(|by| matches!(by, SelectBy::Query(_)))
    }

    /// Whether a header of this name must be at hand: one that selects, or that an upstream may take for it.
    pub fn needs_header(&self, name: &str) -> bool {
        self.by().any(|by| matches!(by, SelectBy::Header(wanted) if selector::is_header_alike(name, wanted)))
    }

    /// The operation that the rest of the request selects.
    pub fn select(&self, asked: &Asked<'_>) -> Selected<'c, 'p> {
        let mut ids = Vec::new();
        for (template, address) in &self.addresses {
            let chosen = match &address.variants {
                Some(variants) => variants.select(&address.plain, asked),
                None => Ok(address.plain.clone()),
            };
            match chosen {
                Ok(chosen) => ids.extend(chosen.into_iter().map(|id| (*template, id))),
                Err(why) => return Selected::Undescribed(why),
            }
        }
        match self.catalogue.describe(ids.into_iter(), self.segments) {
            Some(found) => Selected::Described(found),
            None => Selected::Undescribed(Unselected::Unknown),
        }
    }

    /// Whether the request asks for everything once and under its own name: GraphQL lets a
    /// caller say where in the answer something stands, and how often.
    pub fn is_plain(&self, asked: &Asked<'_>) -> bool {
        self.by().all(|by| *by != SelectBy::GraphQl || graphql::is_plain(asked))
    }

    /// Every operation that it may be.
    pub fn candidates(&self) -> impl Iterator<Item = &'c Operation> {
        self.addresses
            .iter()
            .flat_map(|(_, address)| address.operations().filter_map(|id| self.catalogue.operation(id)))
    }

    fn by(&self) -> impl Iterator<Item = &'c SelectBy> {
        self.addresses.iter().filter_map(|(_, address)| address.variants.as_deref()).flat_map(Variants::by)
    }
}

#[cfg(test)]
mod tests {
    use law::Power;

    use super::*;
    use crate::Override;

    fn catalogue(document: &str, settings: &Settings) -> Catalogue {
        let Reading { catalogue, troubles } = Catalogue::read(document.as_bytes(), settings).unwrap();
        assert!(troubles.is_empty(), "{troubles:?}");
        catalogue
    }

    fn overrides(powers: &[(&str, &[Power])]) -> Settings {
        let rule = |(operation, powers): &(&str, &[Power])| Override {
            operation: operation.parse().unwrap(),
            powers: powers.iter().copied().collect(),
        };
        Settings { overrides: powers.iter().map(rule).collect(), ..Settings::default() }
    }

    /// The name of what is found, `?` for a choice, `-` for nothing.
    fn find(catalogue: &Catalogue, method: &str, path: &str) -> String {
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        match catalogue.find(method, &segments) {
            Found::Described(found) => found.operation.name.to_string(),
            Found::Choice(_) => "?".to_owned(),
            Found::Undescribed => "-".to_owned(),
        }
    }

    const USERS: &str = "
openapi: 3.1.0
servers: [{url: 'https://api.example.com/v1/'}, {url: /beta}]
paths:
  /users: {get: {}, post: {}}
  /users/{name}: {get: {}, delete: {}}
  /users/me: {get: {}, head: {}}
  /files/{path}/raw: {get: {parameters: [{name: path, in: path, x-multi-segment: true}]}}
";

    #[test]
    fn a_second_method_matters_where_another_could_do_more_at_the_same_path() {
        let document = "
openapi: 3.0.0
paths:
  /users/{name}: {post: {summary: Update a user}, delete: {summary: Delete a user}}
  /users/me: {post: {summary: Update your profile}}
  /users: {post: {summary: Search for users}}
  /teams/{name}: {post: {summary: Update a team}, get: {summary: Show a team}}
  /files/{path*}: {delete: {summary: Delete a file}}
  /files/a/b: {put: {summary: Update a file}}
";
        let catalogue = catalogue(document, &Settings::default());
        let weaker = catalogue.is_weaker_than_others();
        let is_weaker = |name: &str| weaker[catalogue.named(name).unwrap().0.0 as usize];
        for name in ["POST /users/{name}", "POST /users/me", "PUT /files/a/b"] {
            assert!(is_weaker(name), "{name}");
        }
        for name in ["DELETE /users/{name}", "POST /users", "POST /teams/{name}"] {
            assert!(!is_weaker(name), "{name}");
        }
        let others = |path: &[&str]| catalogue.powers_of_others("POST", &[path.to_vec()]).unwrap();
        assert!(others(&["users", "me"]).contains(Power::Destroy));
        assert!(!others(&["teams", "x"]).is_sensitive());
    }

    #[test]
    fn paths_are_found_below_every_base() {
        let catalogue = catalogue(USERS, &Settings::default());
        assert_eq!(find(&catalogue, "GET", "/v1/users"), "GET /users");
        assert_eq!(find(&catalogue, "GET", "/beta/users/ann"), "GET /users/{name}");
        for path in
            ["/users", "/v1", "/v2/users", "/v1/v1/users", "/V1/users", "/v1/users/", "/v1/Users", "/v1/users/ann/x"]
        {
            assert_eq!(find(&catalogue, "GET", path), "-", "{path}");
        }
    }

    #[test]
    fn the_settings_say_where_paths_begin_and_how_strict_they_are() {
        let settings = Settings {
            base: Some("/api/".into()),
            case: Case::Insensitive,
            trailing_slash: TrailingSlash::Ignored,
            ..Settings::default()
        };
        let catalogue = catalogue(USERS, &settings);
        for path in ["/api/users", "/API/Users/", "/api/users/"] {
            assert_eq!(find(&catalogue, "GET", path), "GET /users", "{path}");
        }
        assert_eq!(find(&catalogue, "GET", "/v1/users"), "-");
        assert_eq!(find(&catalogue, "GET", "/api/users//"), "-");
    }

    #[test]
    fn head_is_judged_as_get_unless_it_is_described() {
        let catalogue = catalogue(USERS, &Settings::default());
        assert_eq!(find(&catalogue, "HEAD", "/v1/users"), "GET /users");
        assert_eq!(find(&catalogue, "HEAD", "/v1/users/me"), "HEAD /users/me");
        for method in ["PUT", "get", "PURGE", "OPTIONS", ""] {
            assert_eq!(find(&catalogue, method, "/v1/users"), "-", "{method}");
        }
    }

    #[test]
    fn parameters_are_slices_of_the_path() {
        let catalogue = catalogue(USERS, &Settings::default());
        let segments = ["v1", "files", "a/b", "c", "raw"];
        let Found::Described(found) = catalogue.find("GET", &segments) else { panic!() };
        let values: Vec<(&str, String)> =
            found.parameters.iter().map(|(name, value)| (*name, value.to_string())).collect();
        assert_eq!(values, [("path", "a/b/c".to_owned())]);
        assert_eq!(find(&catalogue, "GET", "/v1/files/raw"), "-");
        assert_eq!(find(&catalogue, "GET", "/v1/files//raw"), "-");
    }

    #[test]
    fn a_slash_inside_a_segment_belongs_to_its_parameter() {
        let catalogue = catalogue(USERS, &Settings::default());
        let Found::Described(found) = catalogue.find("DELETE", &["v1", "users", "ann/../me"]) else { panic!() };
        assert_eq!(found.parameters[0].1.as_str(), Some("ann/../me"));
        assert!(matches!(catalogue.find("GET", &["v1", "users/me"]), Found::Undescribed));
    }

    #[test]
    fn two_equal_templates_have_the_powers_of_both_and_are_open_if_both_are() {
        let settings = overrides(&[
            ("POST /a/{x}", &[Power::Read]),
            ("POST /{y}/b", &[Power::Mint, Power::Grant]),
            ("POST /a/b/{x}", &[Power::Spend]),
        ]);
        let document = "
openapi: 3.0.0
paths:
  /a/{x}: {post: {security: []}}
  /{y}/b: {post: {}}
  /a/b/{x}: {post: {security: []}}
";
        let catalogue = catalogue(document, &settings);
        let Found::Described(found) = catalogue.find("POST", &["a", "b"]) else { panic!() };
        assert_eq!(&*found.operation.name, "POST /{y}/b");
        assert_eq!(found.powers, [Power::Read, Power::Mint, Power::Grant].into_iter().collect());
        assert!(!found.open);
        let Found::Described(found) = catalogue.find("POST", &["a", "c"]) else { panic!() };
        assert!(found.open && found.powers == Power::Read.into());
    }

    #[test]
    fn a_base_of_an_operation_is_its_own() {
        let document = "
openapi: 3.0.0
servers: [{url: /api}]
paths:
  /assets: {post: {servers: [{url: 'https://uploads.example.com/up'}]}, get: {}}
";
        let here = catalogue(document, &Settings::default());
        assert_eq!(find(&here, "POST", "/up/assets"), "POST /assets");
        assert_eq!(find(&here, "POST", "/api/assets"), "-");
        assert_eq!(find(&here, "GET", "/api/assets"), "GET /assets");
        let configured = catalogue(document, &Settings { base: Some(String::new()), ..Settings::default() });
        assert_eq!(find(&configured, "POST", "/assets"), "POST /assets");
    }

    #[test]
    fn what_stands_behind_the_path_selects() {
        let document = "
openapi: 3.0.0
paths:
  /?Action=ListUsers: {get: {}}
  /#Action=DeleteUser:
    get: {parameters: [{name: Action, in: query}]}
    post: {parameters: [{name: Action, in: query}]}
  /#X-Target=Store.Put: {post: {parameters: [{name: X-Target, in: header}]}}
  /tags/{id}: {get: {}, delete: {}}
  /tags/{id}#keys: {delete: {parameters: [{name: keys, in: query}]}}
  /tags/{id}#label: {get: {}}
";
        let settings = overrides(&[("GET /?Action=ListUsers", &[Power::Read])]);
        let Reading { catalogue, troubles } = Catalogue::read(document.as_bytes(), &settings).unwrap();
        assert_eq!(troubles.len(), 1, "a pattern is written with `#`: {troubles:?}");
        let select = |method: &str, path: &[&str], asked: &Asked<'_>| match catalogue.find(method, path) {
            Found::Choice(choice) => match choice.select(asked) {
                Selected::Described(found) => found.operation.name.to_string(),
                Selected::Undescribed(why) => why.to_string(),
            },
            other => format!("{other:?}"),
        };
        let none = Asked { body: Some(b""), ..Asked::default() };
        let query = |query| Asked { query, ..none };
        let form = Asked { content_type: Some("application/x-www-form-urlencoded"), ..none };
        assert_eq!(select("GET", &[""], &query("Action=ListUsers")), "GET /#Action=ListUsers");
        assert_eq!(select("GET", &[""], &query("Action=DeleteUser")), "GET /#Action=DeleteUser");
        assert_eq!(select("GET", &[""], &query("Action=Purge")), Unselected::Unknown.to_string());
        assert_eq!(
            select("POST", &[""], &Asked { body: Some(b"Action=DeleteUser"), ..form }),
            "POST /#Action=DeleteUser"
        );
        let headers = [("x-target", "Store.Put")];
        assert_eq!(select("POST", &[""], &Asked { headers: &headers, ..none }), "POST /#X-Target=Store.Put");
        assert_eq!(select("DELETE", &["tags", "7"], &none), "DELETE /tags/{id}");
        assert_eq!(select("DELETE", &["tags", "7"], &query("keys=a&keys=b")), "DELETE /tags/{id}#keys");
        let Found::Choice(choice) = catalogue.find("POST", &[""]) else { panic!() };
        assert!(choice.needs_body(Some("application/json")) && !choice.is_by_query());
        assert!(choice.needs_header("x-target") && choice.needs_header("X_Target"));
        assert_eq!(choice.candidates().count(), 2);
        // Nothing in a request shows a label, so it may always be either.
        let Found::Choice(choice) = catalogue.find("GET", &["tags", "7"]) else { panic!() };
        assert!(!choice.needs_body(Some("application/json")));
        assert!(matches!(choice.select(&none), Selected::Described(_)));
    }

    #[test]
    fn a_value_that_the_document_rules_out_asks_for_something_else() {
        let document = r#"{"openapi": "3.1.0", "info": {}, "paths": {
            "/orders/{id}": {
                "parameters": [{"name": "id", "in": "path", "schema": {"type": "integer"}}],
                "get": {}, "post": {}
            },
            "/orders/{id}:cancel": {"post": {}},
            "/notes/{name}": {"get": {}}
        }}"#;
        let catalogue = catalogue(document, &Settings::default());
        let find = |method: &str, path: &[&str]| catalogue.find(method, path).names().join(" ");
        for id in ["7", "-7", "7,8,9", "007"] {
            assert_eq!(find("GET", &["orders", id]), "GET /orders/{id}", "{id}");
        }
        for id in ["export-all", "7/refund", "7.json", "7:refund", "-", ","] {
            assert_eq!(find("GET", &["orders", id]), "", "{id}");
        }
        assert_eq!(find("POST", &["orders", "7:cancel"]), "POST /orders/{id}:cancel");
        assert_eq!(find("POST", &["orders", "7:refund"]), "", "where some verbs are described, others may be left out");
        assert_eq!(find("GET", &["notes", "a:b:purge"]), "");
        assert_eq!(find("GET", &["notes", "2026-11-30T10:00"]), "GET /notes/{name}", "that is no verb");
    }

    #[test]
    fn an_encoded_slash_divides_unless_the_upstream_keeps_it() {
        let document = r#"{"openapi": "3.1.0", "info": {}, "paths": {
            "/users/{name}": {"get": {"summary": "Show a user"}},
            "/users/{name}/notes": {"get": {"summary": "List notes"}}
        }}"#;
        let powers = |encoded_slash: EncodedSlash, last: &'static str| {
            let settings = Settings { encoded_slash, ..Settings::default() };
            let catalogue = catalogue(document, &settings);
            let readings = [vec!["users", last], ["users"].into_iter().chain(last.split('/')).collect()];
            let (found, beside) = catalogue.find_however_read("GET", &readings).unwrap();
            found.powers().union(beside.powers)
        };
        let read = Powers::from(Power::Read);
        assert_eq!(powers(EncodedSlash::Either, "bob/keys"), Powers::EVERY);
        assert_eq!(powers(EncodedSlash::Either, "bob/notes"), read);
        assert_eq!(powers(EncodedSlash::Value, "bob/keys"), read);
    }

    #[test]
    fn an_operation_is_found_by_its_name() {
        let catalogue = catalogue(USERS, &Settings::default());
        let (id, operation) = catalogue.named("DELETE /users/{name}").unwrap();
        assert_eq!(catalogue.operation(id).unwrap().name, operation.name);
        assert!(catalogue.named("DELETE /users").is_none());
        assert!(catalogue.operation(OperationId(u32::MAX)).is_none());
    }

    #[test]
    fn methods_that_a_caller_makes_up_have_one_name() {
        let document = br#"{"openapi": "3.1.0", "info": {}, "paths": {"/a": {"trace": {}, "query": {}}}}"#;
        let catalogue = Catalogue::read(document, &Settings::default()).unwrap().catalogue;
        let names = ["GET", "TRACE", "PROPFIND", "A1", "get"].map(|method| catalogue.undescribed(method));
        assert_eq!(names, ["GET *", "TRACE *", "OTHER *", "OTHER *", "OTHER *"]);
    }

    #[test]
    fn a_template_that_cannot_be_matched_is_told_and_stays_undescribed() {
        let document = "{openapi: 3.0.0, paths: {'/a/{+x}/{+y}': {get: {}}}}";
        let Reading { catalogue, troubles } = Catalogue::read(document.as_bytes(), &Settings::default()).unwrap();
        assert_eq!(troubles.len(), 1);
        assert_eq!(troubles[0].pointer.as_deref(), Some("/paths/~1a~1{+x}~1{+y}/get"));
        assert_eq!(find(&catalogue, "GET", "/a/b/c"), "-");
    }
}
