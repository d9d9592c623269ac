//! One step further: whom a caller can become, and what it can give itself, with the targets
//! that exist. Longer chains are not followed.

use jiff::Timestamp;
use law::Powers;

use super::{
    actions::Actions,
    condition::{Context, Holds},
    details::{Directory, Role},
    evaluate::{Boundary, conditions},
    policy::{Effect, Policy},
    reach::{User, reach},
};
use crate::{
    estate::{Known, Reach, Step},
    glob,
};

/// So many targets are named; all are counted.
const NAMED: usize = 3;

/// Everybody whom a step can lead to.
pub(super) struct World<'w, 'd> {
    pub(super) directory: &'d Directory,
    pub(super) actions: &'w Actions,
    pub(super) users: &'w [User<'d>],
    /// By user: whether a sign-in asks a second factor, and whether there is a password.
    pub(super) sign_ins: &'w [(Known, Known)],
    pub(super) roles: Vec<RoleReach<'d>>,
}

pub(super) struct RoleReach<'d> {
    role: &'d Role,
    /// In a session that began without a second factor.
    without: Reach,
}

impl<'d> RoleReach<'d> {
    pub(super) fn of(directory: &'d Directory, role: &'d Role, actions: &Actions, now: Timestamp) -> Self {
        let principal = &role.principal;
        let context = Context::role_session(&principal.arn, &principal.account, false, now);
        let (without, _) = reach(&directory.rights(principal), actions, &context, &principal.place);
        Self { role, without }
    }
}

/// Launching code under a role: the service that has to be trusted, and the actions it takes.
const LAUNCHES: [(&str, &[&str]); 7] = [
    ("lambda.amazonaws.com", &["lambda:CreateFunction", "lambda:InvokeFunction"]),
    ("ec2.amazonaws.com", &["ec2:RunInstances"]),
    ("ecs-tasks.amazonaws.com", &["ecs:RegisterTaskDefinition", "ecs:RunTask"]),
    ("cloudformation.amazonaws.com", &["cloudformation:CreateStack"]),
    ("glue.amazonaws.com", &["glue:CreateJob", "glue:StartJobRun"]),
    ("codebuild.amazonaws.com", &["codebuild:CreateProject", "codebuild:StartBuild"]),
    ("sagemaker.amazonaws.com", &["sagemaker:CreateNotebookInstance", "sagemaker:CreatePresignedNotebookInstanceUrl"]),
];

/// Targets of one step, gathered.
#[derive(Default)]
struct Targets {
    names: Vec<String>,
    of: usize,
    powers: Powers,
    sure: bool,
}

impl Targets {
    fn add(&mut self, name: &str, powers: Powers, sure: bool) {
        // One sure target makes the step sure; what is told then is told of the sure ones.
        if sure && !self.sure {
            *self = Self { sure, ..Self::default() };
        } else if self.sure && !sure {
            return;
        }
        self.of += 1;
        self.powers = self.powers.union(powers);
        if self.names.len() < NAMED {
            self.names.push(name.to_owned());
        }
    }

    fn step(self, how: &str, mints: bool) -> Option<Step> {
        let Self { names, of, powers, sure } = self;
        (of > 0).then(|| Step { how: how.to_owned(), targets: names, of, powers, mints, sure })
    }
}

/// Every step that a user's long-term key can take without a second factor.
pub(super) fn steps(world: &World<'_, '_>, user: &User<'_>) -> Vec<Step> {
    let me = user.principal;
    let mut steps = Vec::new();
    let may = |action: &str, resource: &str| user.rights.may(action, resource, &user.context).allowed;
    let own = |action: &str, how: &str, powers: Powers, mints: bool| {
        let allowed = may(action, &me.arn);
        (allowed != Holds::No).then(|| Step {
            how: how.to_owned(),
            targets: vec![me.name.clone()],
            of: 1,
            powers,
            mints,
            sure: allowed == Holds::Yes,
        })
    };
    steps.extend(own("iam:CreateAccessKey", "iam:CreateAccessKey for itself", user.without.surely, true));
    // Who can do everything already needs no step; within a boundary no policy gives more.
    let has_all = user.without.surely == Powers::EVERY;
    let is_free = !has_all && matches!(user.rights.boundary, Boundary::None);
    if is_free {
        steps.extend(own("iam:AttachUserPolicy", "iam:AttachUserPolicy on itself", Powers::EVERY, false));
        steps.extend(own("iam:PutUserPolicy", "iam:PutUserPolicy on itself", Powers::EVERY, false));
    }
    others(world, user, &mut steps);
    if is_free {
        groups(world, user, &mut steps);
        versions(world, user, &mut steps);
    }
    if !has_all {
        roles(world, user, &mut steps);
    }
    // A step that reaches no further than the key itself is none, but a new credential outlives it.
    steps.retain(|step| step.mints || !user.without.surely.is_superset(step.powers));
    steps
}

fn others(world: &World<'_, '_>, user: &User<'_>, steps: &mut Vec<Step>) {
    let me = user.principal;
    for action in ["iam:CreateAccessKey", "iam:UpdateLoginProfile", "iam:CreateLoginProfile"] {
        let any = format!("arn:*:iam::{}:user/*", me.account);
        if user.rights.may(action, &any, &user.context).allowed == Holds::No {
            continue;
        }
        let all = format!("arn:aws:iam::{}:user/*", me.account);
        let everywhere = user.rights.everywhere(action, &all, &user.context);
        let mut targets = Targets::default();
        for (other, (factor, password)) in world.users.iter().zip(world.sign_ins) {
            let them = other.principal;
            if them.account != me.account || them.arn == me.arn {
                continue;
            }
            let (powers, open) = match (action, factor, password) {
                ("iam:CreateAccessKey", ..) => (other.without.surely, Known::Yes),
                // A sign-in that asks a second factor cannot be finished with a new password.
                (_, Known::Yes, _)
                | ("iam:UpdateLoginProfile", _, Known::No)
                | ("iam:CreateLoginProfile", _, Known::Yes) => continue,
                (_, Known::Unknown, _) | (_, _, Known::Unknown) => (other.without.surely, Known::Unknown),
                _ => (other.without.surely, Known::Yes),
            };
            let allowed =
                if everywhere { Holds::Yes } else { user.rights.may(action, &them.arn, &user.context).allowed };
            match allowed {
                Holds::No => {}
                allowed => targets.add(&them.name, powers, allowed == Holds::Yes && open == Known::Yes),
            }
        }
        steps.extend(targets.step(&format!("{action} for others"), true));
    }
}

fn groups(world: &World<'_, '_>, user: &User<'_>, steps: &mut Vec<Step>) {
    let me = user.principal;
    let (mut join, mut widen) = (Targets::default(), Targets::default());
    let mut groups: Vec<_> = world
        .directory
        .groups
        .iter()
        .filter(|((account, _), _)| *account == me.account)
        .map(|(_, group)| group)
        .collect();
    groups.sort_by(|one, other| one.name.cmp(&other.name));
    for group in groups {
        let may = |action: &str| user.rights.may(action, &group.arn, &user.context).allowed;
        if me.groups.contains(&group.name) {
            let best = [may("iam:AttachGroupPolicy"), may("iam:PutGroupPolicy")];
            if best.iter().any(|holds| *holds != Holds::No) {
                widen.add(&group.name, Powers::EVERY, best.contains(&Holds::Yes));
            }
        } else if let allowed @ (Holds::Yes | Holds::Unknown) = may("iam:AddUserToGroup") {
            let mut rights = world.directory.rights(me);
            world.directory.add_group(group, &mut rights);
            let (reached, _) = reach(&rights, world.actions, &user.context, &me.place);
            join.add(&group.name, reached.surely, allowed == Holds::Yes);
        }
    }
    steps.extend(widen.step("a policy for a group that it is in", false));
    steps.extend(join.step("iam:AddUserToGroup for itself", false));
}

fn versions(world: &World<'_, '_>, user: &User<'_>, steps: &mut Vec<Step>) {
    let me = user.principal;
    let in_groups =
        me.groups.iter().filter_map(|group| world.directory.groups.get(&(me.account.clone(), group.clone())));
    let attached = me.attached.iter().chain(in_groups.flat_map(|group| &group.attached));
    let mut targets = Targets::default();
    for policy in attached.filter(|policy| !policy.arn.contains(":iam::aws:")) {
        match user.rights.may("iam:CreatePolicyVersion", &policy.arn, &user.context).allowed {
            Holds::No => {}
            allowed => targets.add(&policy.arn, Powers::EVERY, allowed == Holds::Yes),
        }
    }
    steps.extend(targets.step("iam:CreatePolicyVersion on a policy of its own", false));
}

fn roles(world: &World<'_, '_>, user: &User<'_>, steps: &mut Vec<Step>) {
    let me = user.principal;
    let (mut assume, mut retrust, mut widen) = (Targets::default(), Targets::default(), Targets::default());
    let mut launches: Vec<Targets> = LAUNCHES.iter().map(|_| Targets::default()).collect();
    let launchable: Vec<Holds> = LAUNCHES
        .iter()
        .map(|(_, actions)| {
            let may = |action: &&str| {
                let resource = if *action == "ecs:RegisterTaskDefinition" {
                    "*".to_owned()
                } else {
                    format!("arn:*:{}:*", action.split(':').next().unwrap_or_default())
                };
                user.rights.may(action, &resource, &user.context).allowed
            };
            actions.iter().map(may).fold(Holds::Yes, Holds::and)
        })
        .collect();
    for target in world.roles.iter().filter(|target| target.role.principal.account == me.account) {
        let (role, powers) = (target.role, target.without.surely);
        let them = &role.principal;
        let may = |action: &str| user.rights.may(action, &them.arn, &user.context).allowed;
        let trusted =
            role.trust.as_ref().map_or(Holds::Unknown, |trust| trusts(trust, user, may("sts:AssumeRole"), &them.arn));
        if trusted != Holds::No {
            assume.add(&them.name, powers, trusted == Holds::Yes);
            let more = [may("iam:AttachRolePolicy"), may("iam:PutRolePolicy")];
            if more.contains(&Holds::Yes) {
                widen.add(&them.name, Powers::EVERY, trusted == Holds::Yes);
            }
        } else if may("iam:UpdateAssumeRolePolicy") != Holds::No
            && user.rights.undenied("sts:AssumeRole", &them.arn, &user.context) == Holds::Yes
            && !them.arn.contains(":role/aws-service-role/")
        {
            retrust.add(&them.name, powers, may("iam:UpdateAssumeRolePolicy") == Holds::Yes);
        }
        let pass = may("iam:PassRole");
        if pass == Holds::No {
            continue;
        }
        for (((service, _), launchable), targets) in LAUNCHES.iter().zip(&launchable).zip(&mut launches) {
            let serves = role.trust.as_ref().is_some_and(|trust| trusts_service(trust, service));
            let runs = *service != "ec2.amazonaws.com" || role.has_profile;
            if *launchable != Holds::No && serves && runs {
                targets.add(&them.name, powers, pass.and(*launchable) == Holds::Yes);
            }
        }
    }
    steps.extend(assume.step("sts:AssumeRole", false));
    steps.extend(widen.step("a policy for a role that it can assume", false));
    steps.extend(retrust.step("iam:UpdateAssumeRolePolicy, then sts:AssumeRole", false));
    for ((_, actions), targets) in LAUNCHES.iter().zip(launches) {
        steps.extend(targets.step(&format!("iam:PassRole to {}", actions.join(" + ")), false));
    }
}

/// Whether a role lets the user take it. One that names the user needs nothing else; one that
/// names the account needs the user's own permission, too.
fn trusts(trust: &Policy, user: &User<'_>, permitted: Holds, role: &str) -> Holds {
    let me = user.principal;
    let root = format!("arn:aws:iam::{}:root", me.account);
    let mut best = Holds::No;
    for statement in &trust.statements {
        let is_named = |who: &String| *who == me.arn;
        let is_account = |who: &String| {
            *who == root || *who == me.account || who == "*" || who.ends_with(&format!("::{}:root", me.account))
        };
        let assumes = match &statement.actions {
            super::policy::Selection::These(actions) => {
                actions.iter().any(|action| glob::matches_any_case(action, "sts:AssumeRole"))
            }
            super::policy::Selection::AllBut(actions) => {
                !actions.iter().any(|action| glob::matches_any_case(action, "sts:AssumeRole"))
            }
        };
        let named = statement.principals.aws.iter().any(is_named);
        let account = statement.principals.aws.iter().any(is_account);
        if !assumes || !(named || account || statement.principals.all_but) {
            continue;
        }
        let allow = statement.effect == Effect::Allow;
        let holds = conditions(statement, &user.context, allow);
        if !allow {
            match holds {
                Holds::Yes => return Holds::No,
                Holds::Unknown => best = best.and(Holds::Unknown),
                Holds::No => {}
            }
            continue;
        }
        let own = if named { user.rights.undenied("sts:AssumeRole", role, &user.context) } else { permitted };
        let sure = if statement.principals.all_but { Holds::Unknown } else { Holds::Yes };
        best = match (best, holds.and(own).and(sure)) {
            (Holds::Yes, _) | (_, Holds::Yes) => Holds::Yes,
            (Holds::Unknown, _) | (_, Holds::Unknown) => Holds::Unknown,
            (Holds::No, Holds::No) => Holds::No,
        };
    }
    best
}

fn trusts_service(trust: &Policy, service: &str) -> bool {
    trust.statements.iter().any(|statement| {
        statement.effect == Effect::Allow && statement.principals.services.iter().any(|trusted| trusted == service)
    })
}
