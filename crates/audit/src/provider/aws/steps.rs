//! One step further: whom a caller can become, and what it can give itself, with the targets
//! that exist. Longer chains are not followed.

use std::{cell::RefCell, collections::HashMap, num::NonZero, rc::Rc, sync::Arc, thread};

use jiff::Timestamp;
use law::Powers;

use super::{
    condition::{Context, Holds},
    details::{Directory, Managed, Principal, Role},
    evaluate::{Question, Rights, conditions},
    policy::{Effect, Named, Policy},
    reach::{Ground, Grounds, User, Weight},
    ways::WAYS,
};
use crate::{
    estate::{Known, Step},
    glob, moment,
};

/// So many targets are named; all are counted.
const NAMED: usize = 3;
/// What used its role within so many days is taken to run still.
const RUNS: u32 = 90;

/// Everybody whom a step can lead to.
pub(super) struct World<'w, 'd> {
    pub(super) directory: &'d Directory,
    pub(super) grounds: &'w Grounds<'w>,
    pub(super) users: &'w [User<'d>],
    /// By user.
    pub(super) sign_ins: &'w [SignIn],
    pub(super) roles: Vec<RoleReach<'d>>,
    /// A policy that allows everything.
    pub(super) everything: Named<'d>,
}

/// How a user signs in.
#[derive(Clone, Copy, Default)]
pub(super) struct SignIn {
    pub(super) second_factor: Known,
    pub(super) password: Known,
    /// How many access keys there are, working or not; two is the most.
    pub(super) keys: usize,
}

pub(super) struct RoleReach<'d> {
    role: &'d Role,
    rights: Rights<'d>,
    context: Context,
    /// In a session that began without a second factor.
    without: Weight,
    /// Whether anything used it lately.
    runs: bool,
}

impl<'d> RoleReach<'d> {
    pub(super) fn of(directory: &'d Directory, role: &'d Role, grounds: &Grounds<'_>, now: Timestamp) -> Option<Self> {
        let principal = &role.principal;
        let context = Context::role_session(&principal.arn, &principal.account, &principal.traits.tags, false, now);
        let rights = directory.rights(principal);
        let (without, _) = grounds.of(principal)?.weigh(&rights, &context);
        let runs = role.last_use.and_then(|at| moment::days(at, now)).is_some_and(|days| days <= RUNS);
        Some(Self { role, rights, context, without, runs })
    }
}

/// Targets of one step, gathered.
#[derive(Default)]
struct Targets {
    names: Vec<String>,
    of: usize,
    powers: Powers,
    everything: bool,
    sure: bool,
}

impl Targets {
    fn add(&mut self, name: &str, weight: Weight, sure: Holds) {
        if sure == Holds::No {
            return;
        }
        let everything = weight.administers() == Holds::Yes;
        // The best that is sure is what is told: everything before less, sure before perhaps.
        let (worth, known) = ((sure == Holds::Yes, everything), (self.sure, self.everything));
        if self.of > 0 && worth < known {
            return;
        }
        if worth > known {
            *self = Self::default();
        }
        (self.sure, self.everything) = worth;
        self.of += 1;
        self.powers = self.powers.union(if everything { Powers::EVERY } else { weight.reach.surely });
        if self.names.len() < NAMED {
            self.names.push(name.to_owned());
        }
    }

    fn step(self, how: &str, mints: bool) -> Option<Step> {
        let Self { names, of, powers, everything, sure } = self;
        (of > 0).then(|| Step { how: how.to_owned(), targets: names, of, powers, mints, sure, everything })
    }
}

/// A caller who looks for steps.
struct Caller<'w, 'd> {
    world: &'w World<'w, 'd>,
    ground: &'w Ground<'w>,
    user: &'w User<'d>,
    sign_in: SignIn,
    steps: Vec<Step>,
    /// What was asked already, of whatever resource.
    questions: RefCell<HashMap<&'static str, Rc<Question<'d>>>>,
}

/// Every step that a user's long-term key can take without a second factor.
/// The steps of each of these users. They do not hang on each other, and there may be thousands:
/// each processor takes its part.
pub(super) fn of_each(world: &World<'_, '_>, asked: &[usize]) -> Vec<Vec<Step>> {
    let of = |place: &usize| match (world.users.get(*place), world.sign_ins.get(*place)) {
        (Some(user), Some(sign_in)) => steps(world, user, *sign_in),
        _ => Vec::new(),
    };
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    let part = asked.len().div_ceil(processors).max(1);
    thread::scope(|scope| {
        let parts = asked.chunks(part).map(|part| scope.spawn(move || part.iter().map(of).collect::<Vec<_>>()));
        // All of them begin before the first is waited for.
        let parts: Vec<_> = parts.collect();
        parts
            .into_iter()
            .flat_map(|part| part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

fn steps(world: &World<'_, '_>, user: &User<'_>, sign_in: SignIn) -> Vec<Step> {
    let Some(ground) = world.grounds.of(user.principal) else { return Vec::new() };
    let mut caller = Caller { world, ground, user, sign_in, steps: Vec::new(), questions: RefCell::default() };
    caller.keys();
    // Who can do everything already needs no step.
    if user.without.everything != Holds::Yes {
        caller.own_policies();
        caller.own_boundary();
        caller.own_groups();
        caller.own_versions();
        caller.newcomers();
        caller.roles();
        caller.sessions();
    }
    let mut steps = caller.steps;
    // A step that reaches no further than the key itself is none, but a new credential outlives it.
    steps.retain(|step| step.mints || step.everything || !user.without.reach.surely.is_superset(step.powers));
    steps
}

impl<'d> Caller<'_, 'd> {
    fn question(&self, action: &'static str) -> Rc<Question<'d>> {
        let ask = || Rc::new(self.ground.question(&self.user.rights, action));
        Rc::clone(self.questions.borrow_mut().entry(action).or_insert_with(ask))
    }

    fn may(&self, action: &'static str, resource: &str) -> Holds {
        self.question(action).on(resource, &self.user.context).allowed
    }

    /// Whether the caller may act on a user or role that exists.
    fn may_on(&self, action: &'static str, target: &Principal) -> Holds {
        let question = self.question(action);
        if !question.is_open {
            return Holds::No;
        }
        question.on(&target.arn, &self.user.context.acting_on(&target.traits)).allowed
    }

    /// Whether no deny of the caller's takes the action away.
    fn undenied(&self, action: &'static str, resource: &str) -> Holds {
        self.question(action).undenied(resource, &self.user.context)
    }

    /// Whether the caller may give a policy that allows everything to a user, group or role.
    fn may_give(&self, attach: &'static str, arn: &str, target: Option<&Principal>) -> Holds {
        let question = self.question(attach);
        if !question.is_open {
            return Holds::No;
        }
        let resource = target.map_or_else(Arc::default, |target| Arc::clone(&target.traits));
        let all = format!("arn:{}:iam::aws:policy/AdministratorAccess", arn.split(':').nth(1).unwrap_or("aws"));
        question.on(arn, &self.user.context.acting_on(&resource).saying("iam:policyarn", &all)).allowed
    }

    /// What the caller has with other policies.
    fn weigh(&self, rights: &Rights<'d>) -> Weight {
        self.ground.weigh(rights, &self.user.context).0
    }

    fn add(&mut self, how: &str, target: &str, weight: Weight, sure: Holds) {
        let mut targets = Targets::default();
        targets.add(target, weight, sure);
        self.steps.extend(targets.step(how, false));
    }

    /// New keys and passwords, for itself and for others.
    fn keys(&mut self) {
        let me = self.user.principal;
        let room = |sign_in: SignIn, may_delete: Holds| {
            if sign_in.keys < 2 { Holds::Yes } else { may_delete }
        };
        let own =
            self.may_on("iam:CreateAccessKey", me).and(room(self.sign_in, self.may_on("iam:DeleteAccessKey", me)));
        let mut targets = Targets::default();
        targets.add(&me.name, Weight { everything: Holds::No, gives: Holds::No, ..self.user.without }, own);
        self.steps.extend(targets.step("iam:CreateAccessKey for itself", true));
        for action in ["iam:CreateAccessKey", "iam:UpdateLoginProfile", "iam:CreateLoginProfile"] {
            let users = self.ground.iam("user/*");
            if self.may(action, &users) == Holds::No {
                continue;
            }
            let alike = |action: &'static str| self.user.rights.is_alike(action).then(|| self.may(action, &users));
            let (all, all_delete) = (alike(action), alike("iam:DeleteAccessKey"));
            let everywhere = self.user.rights.everywhere(action, &users, &self.user.context);
            let mut targets = Targets::default();
            for (other, sign_in) in self.world.users.iter().zip(self.world.sign_ins) {
                let them = other.principal;
                if them.account != me.account || them.arn == me.arn {
                    continue;
                }
                let open = match (action, sign_in.second_factor, sign_in.password) {
                    ("iam:CreateAccessKey", ..) if sign_in.keys < 2 => Holds::Yes,
                    ("iam:CreateAccessKey", ..) => {
                        all_delete.unwrap_or_else(|| self.may_on("iam:DeleteAccessKey", them))
                    }
                    // A sign-in that asks a second factor cannot be finished with a new password.
                    (_, Known::Yes, _)
                    | ("iam:UpdateLoginProfile", _, Known::No)
                    | ("iam:CreateLoginProfile", _, Known::Yes) => continue,
                    (_, Known::Unknown, _) | (_, _, Known::Unknown) => Holds::Unknown,
                    _ => Holds::Yes,
                };
                let allowed = if everywhere { Holds::Yes } else { all.unwrap_or_else(|| self.may_on(action, them)) };
                targets.add(&them.name, other.without, allowed.and(open));
            }
            self.steps.extend(targets.step(&format!("{action} for others"), true));
        }
    }

    /// A policy for itself.
    fn own_policies(&mut self) {
        let me = self.user.principal;
        let widened = |caller: &Self| caller.weigh(&caller.user.rights.with(caller.world.everything));
        let mut weight = None;
        for action in ["iam:AttachUserPolicy", "iam:PutUserPolicy"] {
            let allowed = self.may_give(action, &me.arn, Some(me));
            if allowed != Holds::No {
                let weight = *weight.get_or_insert_with(|| widened(self));
                self.add(&format!("{action} on itself"), &me.name, weight, allowed);
            } else if action == "iam:AttachUserPolicy" && self.may_on(action, me) != Holds::No {
                self.attachable(action, "on itself");
            }
        }
    }

    /// Policies that exist and may be attached, where not any may.
    fn attachable(&mut self, action: &'static str, on: &str) {
        let me = self.user.principal;
        let mut targets = Targets::default();
        let mut policies: Vec<&String> = self.world.directory.policies.keys().collect();
        policies.sort();
        let (question, context) = (self.question(action), self.user.context.acting_on(&me.traits));
        for arn in policies {
            let allowed = question.on(&me.arn, &context.saying("iam:policyarn", arn)).allowed;
            if let (Holds::Yes | Holds::Unknown, Some(policy)) = (allowed, self.world.directory.managed(arn)) {
                targets.add(policy.label, self.weigh(&self.user.rights.with(policy)), allowed);
            }
        }
        self.steps.extend(targets.step(&format!("{action} {on}"), false));
    }

    /// Its boundary taken off, or made as wide as anything.
    fn own_boundary(&mut self) {
        let me = self.user.principal;
        let Some(boundary) = &me.traits.boundary else { return };
        let unbound = self.user.rights.unbound();
        let ways = [
            ("iam:DeleteUserPermissionsBoundary", self.may_on("iam:DeleteUserPermissionsBoundary", me)),
            ("iam:PutUserPermissionsBoundary", self.may_on("iam:PutUserPermissionsBoundary", me)),
            ("iam:CreatePolicyVersion on its boundary", self.may_version(boundary)),
        ];
        for (how, allowed) in ways {
            if allowed == Holds::No {
                continue;
            }
            let weight = self.weigh(&unbound);
            self.add(how, &me.name, weight, allowed);
        }
    }

    /// Whether the caller may write a new version of a policy; AWS's own nobody can.
    fn may_version(&self, arn: &str) -> Holds {
        if arn.contains(":iam::aws:") { Holds::No } else { self.may("iam:CreatePolicyVersion", arn) }
    }

    /// A policy for a group that it is in, and a group that it joins.
    fn own_groups(&mut self) {
        let me = self.user.principal;
        let (mut join, mut attach, mut put) = (Targets::default(), Targets::default(), Targets::default());
        let groups = self.world.directory.groups.iter().filter(|((account, _), _)| *account == me.account);
        let mut groups: Vec<_> = groups.map(|(_, group)| group).collect();
        groups.sort_by(|one, other| one.name.cmp(&other.name));
        let mut widened = None;
        for group in groups {
            if me.groups.contains(&group.name) {
                for (action, targets) in [("iam:AttachGroupPolicy", &mut attach), ("iam:PutGroupPolicy", &mut put)] {
                    let allowed = self.may_give(action, &group.arn, None);
                    if allowed != Holds::No {
                        let weight =
                            *widened.get_or_insert_with(|| self.weigh(&self.user.rights.with(self.world.everything)));
                        targets.add(&group.name, weight, allowed);
                    }
                }
            } else {
                let allowed = self.may("iam:AddUserToGroup", &group.arn);
                if allowed != Holds::No {
                    let mut rights = self.user.rights.clone();
                    self.world.directory.add_group(group, &mut rights);
                    join.add(&group.name, self.weigh(&rights), allowed);
                }
            }
        }
        self.steps.extend(attach.step("iam:AttachGroupPolicy on a group that it is in", false));
        self.steps.extend(put.step("iam:PutGroupPolicy on a group that it is in", false));
        self.steps.extend(join.step("iam:AddUserToGroup for itself", false));
    }

    /// Another version of a policy that it has.
    fn own_versions(&mut self) {
        let me = self.user.principal;
        let groups = &self.world.directory.groups;
        let in_groups = me.groups.iter().filter_map(|group| groups.get(&(me.account.clone(), group.clone())));
        let attached: Vec<&str> = me
            .attached
            .iter()
            .chain(in_groups.flat_map(|group| &group.attached))
            .map(|policy| policy.arn.as_str())
            .collect();
        let (mut write, mut choose) = (Targets::default(), Targets::default());
        for arn in attached {
            let name = arn.rsplit('/').next().unwrap_or(arn);
            let allowed = self.may_version(arn);
            if allowed != Holds::No {
                let rights = self.with_version(arn, self.world.everything);
                write.add(name, self.weigh(&rights), allowed);
            }
            let allowed =
                if arn.contains(":iam::aws:") { Holds::No } else { self.may("iam:SetDefaultPolicyVersion", arn) };
            let Some(Managed { label, others, .. }) = self.world.directory.policies.get(arn) else { continue };
            for (version, document) in others.iter().filter(|_| allowed != Holds::No) {
                let Some(other) = self.world.directory.named(label, *document) else { continue };
                let weight = self.weigh(&self.with_version(arn, other));
                let now = self.user.without;
                let is_more =
                    weight.administers() > now.administers() || !now.reach.surely.is_superset(weight.reach.surely);
                if is_more {
                    choose.add(&format!("{name} {version}"), weight, allowed);
                }
            }
        }
        self.steps.extend(write.step("iam:CreatePolicyVersion on a policy that it has", false));
        self.steps.extend(choose.step("iam:SetDefaultPolicyVersion on a policy that it has", false));
    }

    /// The caller's rights with another text of a policy.
    fn with_version(&self, arn: &str, other: Named<'d>) -> Rights<'d> {
        let mut rights = self.user.rights.clone();
        if let Some(now) = self.world.directory.managed(arn) {
            rights.policies.retain(|named| !std::ptr::eq(named.label, now.label));
        }
        rights.policies.push(other);
        rights
    }

    /// A user or a role that it makes.
    fn newcomers(&mut self) {
        let on = |kind: &str| self.ground.iam(&format!("{kind}/zq7witness"));
        let (user, role) = (on("user"), on("role"));
        let bare = self.user.context.acting_on(&Arc::default());
        let may = |action: &'static str, arn: &str| self.question(action).on(arn, &bare).allowed;
        let give = |ways: [&'static str; 2], arn: &str| {
            ways.into_iter().fold(Holds::No, |any, way| any.or(self.may_give(way, arn, None)))
        };
        // What it makes is bound by the organisation as it is itself, and by no boundary.
        let mut rights = self.user.rights.unbound();
        rights.policies = vec![self.world.everything];
        rights.unseen = false;
        let made = may("iam:CreateUser", &user)
            .and(give(["iam:AttachUserPolicy", "iam:PutUserPolicy"], &user))
            .and(may("iam:CreateAccessKey", &user).or(may("iam:CreateLoginProfile", &user)));
        let weight = if made == Holds::No { self.user.without } else { self.weigh(&rights) };
        let mut user = Targets::default();
        user.add("a user that it makes", weight, made);
        // A role that names its caller needs no more of the caller than that nothing denies it.
        let taken = may("iam:CreateRole", &role)
            .and(give(["iam:AttachRolePolicy", "iam:PutRolePolicy"], &role))
            .and(self.undenied("sts:AssumeRole", &role));
        let weight = if taken == Holds::No { self.user.without } else { self.weigh(&rights) };
        let mut role = Targets::default();
        role.add("a role that it makes", weight, taken);
        self.steps.extend(user.step("iam:CreateUser, a policy and a key for it", true));
        self.steps.extend(role.step("iam:CreateRole, a policy for it, then sts:AssumeRole", false));
    }

    /// A second factor of the thief's own, and sessions.
    fn sessions(&mut self) {
        let me = self.user.principal;
        let open = self.undenied("sts:GetSessionToken", "*");
        if self.user.with != self.user.without {
            let enrol = self
                .may_on("iam:EnableMFADevice", me)
                .and(self.may("iam:CreateVirtualMFADevice", &self.ground.iam("mfa/*")))
                .and(open);
            // Where there is a second factor already, somebody may look when another comes.
            let sure = if self.sign_in.second_factor == Known::No { Holds::Yes } else { Holds::Unknown };
            let weight = self.user.with;
            self.add("iam:EnableMFADevice for itself, then sts:GetSessionToken", &me.name, weight, enrol.and(sure));
        }
        if let Some(session) = self.user.session {
            self.add("sts:GetSessionToken without a second factor", &me.name, session, open);
        }
    }

    fn roles(&mut self) {
        let me = self.user.principal;
        let (mut assume, mut retrust) = (Targets::default(), Targets::default());
        let mut widen: [(&str, Targets); 3] = [
            ("iam:AttachRolePolicy", Targets::default()),
            ("iam:PutRolePolicy", Targets::default()),
            ("iam:CreatePolicyVersion", Targets::default()),
        ];
        let mut runs: Vec<Targets> = WAYS.iter().map(|_| Targets::default()).collect();
        let launchable = self.launchable();
        let assumption = self.question("sts:AssumeRole");
        for target in &self.world.roles {
            let (role, them) = (target.role, &target.role.principal);
            let is_here = them.account == me.account;
            let trust = self.world.directory.trust(role);
            let permitted = self.may_on("sts:AssumeRole", them);
            let trusted = match trust {
                Some(trust) => trusts(trust, self.user, &assumption, permitted, them),
                None => permitted.and(Holds::Unknown),
            };
            assume.add(&them.name, target.without, trusted);
            if !is_here {
                continue;
            }
            // A role of a service's own changes for nobody.
            if them.arn.contains(":role/aws-service-role/") {
                continue;
            }
            if trusted == Holds::No {
                let open = self.may_on("iam:UpdateAssumeRolePolicy", them);
                if open != Holds::No {
                    let undenied = self.undenied("sts:AssumeRole", &them.arn);
                    retrust.add(&them.name, target.without, open.and(undenied));
                }
            } else {
                self.widen(target, trusted, &mut widen);
            }
            self.launch(target, trust, &launchable, &mut runs);
        }
        self.steps.extend(assume.step("sts:AssumeRole", false));
        for (action, targets) in widen {
            self.steps.extend(targets.step(&format!("{action} on a role that it can assume"), false));
        }
        self.steps.extend(retrust.step("iam:UpdateAssumeRolePolicy, then sts:AssumeRole", false));
        for (way, targets) in WAYS.iter().zip(runs) {
            let how = way.actions.join(" + ");
            let how =
                if way.passes { format!("iam:PassRole to {how}") } else { format!("{how} on what runs under it") };
            self.steps.extend(targets.step(&how, false));
        }
    }

    /// More for a role that the caller can assume.
    fn widen(&self, target: &RoleReach<'d>, trusted: Holds, widen: &mut [(&str, Targets); 3]) {
        let them = &target.role.principal;
        let versions = them.attached.iter().map(|policy| self.may_version(&policy.arn));
        let allowed = [
            self.may_give("iam:AttachRolePolicy", &them.arn, Some(them)),
            self.may_give("iam:PutRolePolicy", &them.arn, Some(them)),
            versions.fold(Holds::No, Holds::or),
        ];
        if allowed.iter().all(|one| *one == Holds::No) {
            return;
        }
        let rights = target.rights.with(self.world.everything);
        let (weight, _) = self.ground.weigh(&rights, &target.context);
        for ((_, targets), allowed) in widen.iter_mut().zip(allowed) {
            targets.add(&them.name, weight, allowed.and(trusted));
        }
    }

    /// Which ways are open as far as their own actions go, with the context in which a role is
    /// passed to their service.
    fn launchable(&self) -> Vec<Holds> {
        let mut known: HashMap<&str, Holds> = HashMap::new();
        let mut may = |action: &'static str| {
            *known.entry(action).or_insert_with(|| self.ground.may(&self.user.rights, action, &self.user.context))
        };
        WAYS.iter().map(|way| way.actions.iter().fold(Holds::Yes, |all, action| all.and(may(action)))).collect()
    }

    fn launch(&self, target: &RoleReach<'d>, trust: Option<&Policy>, launchable: &[Holds], runs: &mut [Targets]) {
        let them = &target.role.principal;
        let open = launchable.iter().any(|one| *one != Holds::No);
        if !open {
            return;
        }
        let anywhere = self.may_on("iam:PassRole", them);
        let mut passed: HashMap<&str, Holds> = HashMap::new();
        for ((way, open), targets) in WAYS.iter().zip(launchable).zip(runs) {
            let serves = trust.is_some_and(|trust| trusts_service(trust, way.service));
            if *open == Holds::No || !serves || (way.profile && !target.role.has_profile) {
                continue;
            }
            let sure = if way.passes {
                let pass = || {
                    if anywhere == Holds::No {
                        return anywhere;
                    }
                    let context = self.user.context.acting_on(&them.traits);
                    let context = context.saying("iam:passedtoservice", passed_to(way.service));
                    self.question("iam:PassRole").on(&them.arn, &context).allowed
                };
                *passed.entry(way.service).or_insert_with(pass)
            } else if target.runs {
                Holds::Yes
            } else {
                Holds::Unknown
            };
            targets.add(&them.name, target.without, sure.and(*open));
        }
    }
}

/// What `iam:PassedToService` says where that differs from what the role trusts.
fn passed_to(service: &str) -> &str {
    match service {
        "tasks.apprunner.amazonaws.com" => "apprunner.amazonaws.com",
        same => same,
    }
}

/// Whether a role lets the user take it. One that names the user needs nothing else; one that
/// names the account needs the user's own permission, too, and so does one of another account.
fn trusts(trust: &Policy, user: &User<'_>, assumption: &Question<'_>, permitted: Holds, role: &Principal) -> Holds {
    let me = user.principal;
    let root = format!(":iam::{}:root", me.account);
    let context = user.context.acting_on(&role.traits);
    let (mut best, mut denied) = (Holds::No, Holds::No);
    for statement in trust.statements.iter().filter(|statement| statement.is_about("sts:AssumeRole")) {
        let principals = &statement.principals;
        let is_named = |who: &String| *who == me.arn || *who == me.id || who == "*";
        let is_account = |who: &String| *who == me.account || who.ends_with(&root);
        let (mut named, mut account) = (principals.aws.iter().any(is_named), principals.aws.iter().any(is_account));
        if principals.all_but {
            // All but these: an allow reaches whom it leaves out, and so does a deny.
            (named, account) = (!named && !account, false);
        }
        if !named && !account {
            continue;
        }
        let allow = statement.effect == Effect::Allow;
        let holds = conditions(statement, &context, allow);
        if allow {
            let own =
                if named && role.account == me.account { assumption.undenied(&role.arn, &context) } else { permitted };
            best = best.or(holds.and(own));
        } else {
            denied = denied.or(holds);
        }
    }
    best.and(denied.not())
}

fn trusts_service(trust: &Policy, service: &str) -> bool {
    let names = |effect: Effect| {
        trust.statements.iter().any(|statement| {
            let services = &statement.principals.services;
            statement.effect == effect
                && (effect == Effect::Allow || statement.conditions.is_empty())
                && statement.is_about("sts:AssumeRole")
                && !statement.principals.all_but
                && services.iter().any(|trusted| trusted == service || glob::matches(trusted, service))
        })
    };
    names(Effect::Allow) && !names(Effect::Deny)
}
