//! Ways to run code, or make calls, under a role that a service takes.
//!
//! What is new needs `iam:PassRole`; what exists already runs under its role, whoever changes it.

/// One way.
pub(super) struct Way {
    /// The service that the role has to trust.
    pub(super) service: &'static str,
    /// What has to be allowed.
    pub(super) actions: &'static [&'static str],
    /// Whether the role is passed; otherwise something must run under it already.
    pub(super) passes: bool,
    /// Whether the role needs an instance profile.
    pub(super) profile: bool,
}

const fn new(service: &'static str, actions: &'static [&'static str]) -> Way {
    Way { service, actions, passes: true, profile: false }
}

const fn machine(actions: &'static [&'static str]) -> Way {
    Way { service: EC2, actions, passes: true, profile: true }
}

const fn old(service: &'static str, actions: &'static [&'static str]) -> Way {
    Way { service, actions, passes: false, profile: false }
}

const fn old_machine(actions: &'static [&'static str]) -> Way {
    Way { service: EC2, actions, passes: false, profile: true }
}

const EC2: &str = "ec2.amazonaws.com";
const LAMBDA: &str = "lambda.amazonaws.com";
const TASKS: &str = "ecs-tasks.amazonaws.com";
const STACKS: &str = "cloudformation.amazonaws.com";
const GLUE: &str = "glue.amazonaws.com";
const BUILDS: &str = "codebuild.amazonaws.com";
const LEARNING: &str = "sagemaker.amazonaws.com";
const STATES: &str = "states.amazonaws.com";
const RUNNER: &str = "tasks.apprunner.amazonaws.com";
const AGENTS: &str = "bedrock-agentcore.amazonaws.com";

/// Every way that is known.
pub(super) const WAYS: &[Way] = &[
    // What is made anew, under a role that is passed.
    new(LAMBDA, &["lambda:CreateFunction", "lambda:InvokeFunction"]),
    new(LAMBDA, &["lambda:CreateFunction", "lambda:CreateEventSourceMapping"]),
    new(LAMBDA, &["lambda:CreateFunction", "lambda:AddPermission"]),
    new(LAMBDA, &["lambda:CreateFunction", "lambda:CreateFunctionUrlConfig"]),
    machine(&["ec2:RunInstances"]),
    machine(&["ec2:RequestSpotInstances"]),
    machine(&["ec2:CreateLaunchTemplate", "ec2:CreateFleet"]),
    machine(&["autoscaling:CreateLaunchConfiguration", "autoscaling:CreateAutoScalingGroup"]),
    machine(&["ec2:CreateLaunchTemplate", "autoscaling:CreateAutoScalingGroup"]),
    machine(&["elasticmapreduce:RunJobFlow"]),
    machine(&["elasticbeanstalk:CreateApplication", "elasticbeanstalk:CreateEnvironment"]),
    new(TASKS, &["ecs:RegisterTaskDefinition", "ecs:RunTask"]),
    new(TASKS, &["ecs:RegisterTaskDefinition", "ecs:StartTask"]),
    new(TASKS, &["ecs:RegisterTaskDefinition", "ecs:CreateService"]),
    new(TASKS, &["ecs:RegisterTaskDefinition", "ecs:UpdateService"]),
    new(TASKS, &["batch:RegisterJobDefinition", "batch:SubmitJob"]),
    new(STACKS, &["cloudformation:CreateStack"]),
    new(STACKS, &["cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet"]),
    new(STACKS, &["cloudformation:CreateStackSet", "cloudformation:CreateStackInstances"]),
    new(GLUE, &["glue:CreateDevEndpoint"]),
    new(GLUE, &["glue:CreateJob", "glue:StartJobRun"]),
    new(GLUE, &["glue:CreateJob", "glue:CreateTrigger"]),
    new(GLUE, &["glue:CreateSession", "glue:RunStatement"]),
    new(
        "datapipeline.amazonaws.com",
        &["datapipeline:CreatePipeline", "datapipeline:PutPipelineDefinition", "datapipeline:ActivatePipeline"],
    ),
    new(LEARNING, &["sagemaker:CreateNotebookInstance", "sagemaker:CreatePresignedNotebookInstanceUrl"]),
    new(LEARNING, &["sagemaker:CreateNotebookInstanceLifecycleConfig", "sagemaker:CreateNotebookInstance"]),
    new(LEARNING, &["sagemaker:CreateTrainingJob"]),
    new(LEARNING, &["sagemaker:CreateProcessingJob"]),
    new(LEARNING, &["sagemaker:CreateUserProfile", "sagemaker:CreatePresignedDomainUrl"]),
    new(BUILDS, &["codebuild:CreateProject", "codebuild:StartBuild"]),
    new(BUILDS, &["codebuild:CreateProject", "codebuild:StartBuildBatch"]),
    new("codepipeline.amazonaws.com", &["codepipeline:CreatePipeline"]),
    new("codestar.amazonaws.com", &["codestar:CreateProject"]),
    new(RUNNER, &["apprunner:CreateService"]),
    new(STATES, &["states:CreateStateMachine", "states:StartExecution"]),
    new(STATES, &["states:CreateStateMachine", "states:StartSyncExecution"]),
    new("scheduler.amazonaws.com", &["scheduler:CreateSchedule"]),
    new("ssm.amazonaws.com", &["ssm:StartAutomationExecution"]),
    new("emr-serverless.amazonaws.com", &["emr-serverless:CreateApplication", "emr-serverless:StartJobRun"]),
    new(
        AGENTS,
        &[
            "bedrock-agentcore:CreateCodeInterpreter",
            "bedrock-agentcore:StartCodeInterpreterSession",
            "bedrock-agentcore:InvokeCodeInterpreter",
        ],
    ),
    new(AGENTS, &["bedrock-agentcore:CreateAgentRuntime", "bedrock-agentcore:InvokeAgentRuntime"]),
    new("amplify.amazonaws.com", &["amplify:CreateApp", "amplify:CreateBranch", "amplify:StartJob"]),
    new("braket.amazonaws.com", &["braket:CreateJob"]),
    new("gamelift.amazonaws.com", &["gamelift:CreateBuild", "gamelift:CreateFleet"]),
    new("kinesisanalytics.amazonaws.com", &["kinesisanalytics:CreateApplication", "kinesisanalytics:StartApplication"]),
    new("airflow.amazonaws.com", &["airflow:CreateEnvironment"]),
    new("rolesanywhere.amazonaws.com", &["rolesanywhere:CreateTrustAnchor", "rolesanywhere:CreateProfile"]),
    // What exists already, and is told to do something else.
    old(LAMBDA, &["lambda:UpdateFunctionCode"]),
    old(LAMBDA, &["lambda:UpdateFunctionConfiguration"]),
    old_machine(&["ssm:SendCommand"]),
    old_machine(&["ssm:StartSession"]),
    old_machine(&["ec2-instance-connect:SendSSHPublicKey"]),
    old_machine(&["ec2:ModifyInstanceAttribute", "ec2:StopInstances", "ec2:StartInstances"]),
    old(TASKS, &["ecs:ExecuteCommand"]),
    old(STACKS, &["cloudformation:UpdateStack"]),
    old(GLUE, &["glue:UpdateDevEndpoint"]),
    old(GLUE, &["glue:UpdateJob", "glue:StartJobRun"]),
    old(LEARNING, &["sagemaker:CreatePresignedNotebookInstanceUrl"]),
    old(LEARNING, &["sagemaker:CreatePresignedDomainUrl"]),
    old(BUILDS, &["codebuild:StartBuild"]),
    old(BUILDS, &["codebuild:UpdateProject", "codebuild:StartBuild"]),
    old(RUNNER, &["apprunner:UpdateService"]),
    old(STATES, &["states:UpdateStateMachine", "states:StartExecution"]),
    old("datapipeline.amazonaws.com", &["datapipeline:PutPipelineDefinition", "datapipeline:ActivatePipeline"]),
    old(AGENTS, &["bedrock-agentcore:StartCodeInterpreterSession", "bedrock-agentcore:InvokeCodeInterpreter"]),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_way_is_told_once_and_names_actions_of_services() {
        let mut seen = HashSet::new();
        for way in WAYS {
            assert!(seen.insert((way.service, way.actions, way.passes)), "{:?}", way.actions);
            assert!(!way.actions.is_empty() && way.actions.iter().all(|action| action.contains(':')));
            assert!(way.service.ends_with(".amazonaws.com"));
            assert!(!way.profile || way.service == EC2, "only machines have profiles");
        }
    }
}
