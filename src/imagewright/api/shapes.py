"""Requests and responses of the API, generated from the service model; do not edit.

Made by ``python -m imagewright.wire.generate_shapes``. What a request must have is required
here; structures that only responses hold have no required members. ``float`` stands for epoch
seconds where the model has a timestamp; dates the model calls strings are ``str`` (WIRE-08).
"""

# ruff: noqa: D101  The names are the model's, and so is what they mean.

from typing import Literal, NotRequired, TypedDict

BuildType = Literal["USER_INITIATED", "SCHEDULED", "IMPORT", "IMPORT_ISO"]
ComponentFormat = Literal["SHELL"]
ComponentStatus = Literal["DEPRECATED", "DISABLED", "ACTIVE"]
ComponentType = Literal["BUILD", "TEST"]
ContainerRepositoryService = Literal["ECR"]
ContainerType = Literal["DOCKER"]
DiskImageFormat = Literal["VMDK", "RAW", "VHD"]
EbsVolumeType = Literal["standard", "io1", "io2", "gp2", "gp3", "sc1", "st1"]
ImageConfigurationStep = Literal[
    "ASSOCIATE_LICENSES",
    "UPDATE_LAUNCH_TEMPLATES",
    "PUT_SSM_PARAMETERS",
    "UPDATE_FAST_LAUNCH_CONFIGURATIONS",
    "EXPORT_AMI",
]
ImageScanStatus = Literal[
    "PENDING",
    "SCANNING",
    "COLLECTING",
    "COMPLETED",
    "ABANDONED",
    "FAILED",
    "TIMED_OUT",
]
ImageScanningType = Literal["TEST_INSTANCE_CVE", "ON_DEMAND_AMI_CVE"]
ImageSource = Literal["AMAZON_MANAGED", "AWS_MARKETPLACE", "IMPORTED", "CUSTOM"]
ImageStatus = Literal[
    "PENDING",
    "CREATING",
    "BUILDING",
    "TESTING",
    "DISTRIBUTING",
    "INTEGRATING",
    "AVAILABLE",
    "CANCELLED",
    "FAILED",
    "DEPRECATED",
    "DELETED",
    "DISABLED",
]
ImageType = Literal["AMI", "DOCKER"]
LifecycleExecutionResourceActionName = Literal["AVAILABLE", "DELETE", "DEPRECATE", "DISABLE"]
LifecycleExecutionResourceStatus = Literal["FAILED", "IN_PROGRESS", "SKIPPED", "SUCCESS"]
LifecycleExecutionStatus = Literal[
    "IN_PROGRESS",
    "CANCELLED",
    "CANCELLING",
    "FAILED",
    "SUCCESS",
    "PENDING",
]
LifecyclePolicyDetailActionType = Literal["DELETE", "DEPRECATE", "DISABLE"]
LifecyclePolicyDetailFilterType = Literal["AGE", "COUNT"]
LifecyclePolicyResourceType = Literal["AMI_IMAGE", "CONTAINER_IMAGE"]
LifecyclePolicyStatus = Literal["DISABLED", "ENABLED"]
LifecyclePolicyTimeUnit = Literal["DAYS", "WEEKS", "MONTHS", "YEARS"]
MarketplaceResourceType = Literal["COMPONENT_DATA", "COMPONENT_ARTIFACT"]
MaximumSeverityLabel = Literal["INFORMATIONAL", "LOW", "MEDIUM", "HIGH"]
OnWorkflowFailure = Literal["CONTINUE", "ABORT"]
Ownership = Literal["Self", "Shared", "Amazon", "ThirdParty", "AWSMarketplace"]
PipelineExecutionStartCondition = Literal[
    "EXPRESSION_MATCH_ONLY",
    "EXPRESSION_MATCH_AND_DEPENDENCY_UPDATES_AVAILABLE",
]
PipelineStatus = Literal["DISABLED", "ENABLED"]
Platform = Literal["Windows", "Linux", "macOS"]
ProductCodeType = Literal["marketplace"]
RegionFailureStatus = Literal["FAILED", "CANCELLED", "TIMED_OUT"]
ResourceStatus = Literal["AVAILABLE", "DELETED", "DEPRECATED", "DISABLED"]
SsmParameterDataType = Literal["text", "aws:ec2:image"]
TenancyType = Literal["default", "dedicated", "host"]
WorkflowExecutionStatus = Literal[
    "PENDING",
    "SKIPPED",
    "RUNNING",
    "COMPLETED",
    "FAILED",
    "ROLLBACK_IN_PROGRESS",
    "ROLLBACK_COMPLETED",
    "CANCELLED",
]
WorkflowStatus = Literal["DEPRECATED"]
WorkflowStepActionType = Literal["RESUME", "STOP"]
WorkflowStepExecutionRollbackStatus = Literal["RUNNING", "COMPLETED", "SKIPPED", "FAILED"]
WorkflowStepExecutionStatus = Literal[
    "PENDING",
    "SKIPPED",
    "RUNNING",
    "COMPLETED",
    "FAILED",
    "CANCELLED",
    "WAITING",
]
WorkflowType = Literal["BUILD", "TEST", "DISTRIBUTION"]


class AccountAggregation(TypedDict, total=False):
    accountId: str
    severityCounts: "SeverityCounts"


class AdditionalInstanceConfiguration(TypedDict, total=False):
    systemsManagerAgent: "SystemsManagerAgent"
    userDataOverride: str


class Ami(TypedDict, total=False):
    region: str
    image: str
    name: str
    description: str
    state: "ImageState"
    accountId: str


class AmiDistributionConfiguration(TypedDict, total=False):
    name: str
    description: str
    targetAccountIds: list[str]
    amiTags: dict[str, str]
    kmsKeyId: str
    launchPermission: "LaunchPermissionConfiguration"


class AutoDisablePolicy(TypedDict):
    failureCount: int


class AutoScalingGroupConfiguration(TypedDict):
    name: str
    capacityWaitTimeoutSeconds: NotRequired[int]


class CancelImageCreationRequest(TypedDict):
    imageBuildVersionArn: str
    clientToken: str


class CancelImageCreationResponse(TypedDict, total=False):
    requestId: str
    clientToken: str
    imageBuildVersionArn: str


class CancelLifecycleExecutionRequest(TypedDict):
    lifecycleExecutionId: str
    clientToken: str


class CancelLifecycleExecutionResponse(TypedDict, total=False):
    lifecycleExecutionId: str


class Component(TypedDict, total=False):
    arn: str
    name: str
    version: str
    description: str
    changeDescription: str
    type: ComponentType
    platform: Platform
    supportedOsVersions: list[str]
    state: "ComponentState"
    parameters: list["ComponentParameterDetail"]
    owner: str
    data: str
    kmsKeyId: str
    encrypted: bool
    dateCreated: str
    tags: dict[str, str]
    publisher: str
    obfuscate: bool
    productCodes: list["ProductCodeListItem"]


class ComponentConfiguration(TypedDict):
    componentArn: str
    parameters: NotRequired[list["ComponentParameter"]]


class ComponentFailureContext(TypedDict, total=False):
    componentArn: str
    phaseName: str
    stepName: str
    action: str
    errorMessage: str


class ComponentParameter(TypedDict):
    name: str
    value: list[str]


class ComponentParameterDetail(TypedDict, total=False):
    name: str
    type: str
    defaultValue: list[str]
    description: str


class ComponentState(TypedDict, total=False):
    status: ComponentStatus
    reason: str


class ComponentSummary(TypedDict, total=False):
    arn: str
    name: str
    version: str
    platform: Platform
    supportedOsVersions: list[str]
    state: "ComponentState"
    type: ComponentType
    owner: str
    description: str
    changeDescription: str
    dateCreated: str
    tags: dict[str, str]
    publisher: str
    obfuscate: bool


class ComponentVersion(TypedDict, total=False):
    arn: str
    name: str
    version: str
    description: str
    platform: Platform
    supportedOsVersions: list[str]
    type: ComponentType
    owner: str
    dateCreated: str
    status: ComponentStatus
    productCodes: list["ProductCodeListItem"]


class Container(TypedDict, total=False):
    region: str
    imageUris: list[str]


class ContainerDistributionConfiguration(TypedDict):
    description: NotRequired[str]
    containerTags: NotRequired[list[str]]
    targetRepository: "TargetContainerRepository"


class ContainerRecipe(TypedDict, total=False):
    arn: str
    containerType: ContainerType
    name: str
    description: str
    platform: Platform
    owner: str
    version: str
    components: list["ComponentConfiguration"]
    instanceConfiguration: "InstanceConfiguration"
    dockerfileTemplateData: str
    kmsKeyId: str
    encrypted: bool
    parentImage: str
    dateCreated: str
    tags: dict[str, str]
    workingDirectory: str
    targetRepository: "TargetContainerRepository"


class ContainerRecipeSummary(TypedDict, total=False):
    arn: str
    containerType: ContainerType
    name: str
    platform: Platform
    owner: str
    parentImage: str
    dateCreated: str
    instanceImage: str
    tags: dict[str, str]


class CreateComponentRequest(TypedDict):
    name: str
    semanticVersion: str
    description: NotRequired[str]
    changeDescription: NotRequired[str]
    platform: Platform
    supportedOsVersions: NotRequired[list[str]]
    data: NotRequired[str]
    uri: NotRequired[str]
    kmsKeyId: NotRequired[str]
    tags: NotRequired[dict[str, str]]
    clientToken: str
    dryRun: NotRequired[bool]


class CreateComponentResponse(TypedDict, total=False):
    requestId: str
    clientToken: str
    componentBuildVersionArn: str
    latestVersionReferences: "LatestVersionReferences"


class CreateContainerRecipeRequest(TypedDict):
    containerType: ContainerType
    name: str
    description: NotRequired[str]
    semanticVersion: str
    components: NotRequired[list["ComponentConfiguration"]]
    instanceConfiguration: NotRequired["InstanceConfiguration"]
    dockerfileTemplateData: NotRequired[str]
    dockerfileTemplateUri: NotRequired[str]
    platformOverride: NotRequired[Platform]
    imageOsVersionOverride: NotRequired[str]
    parentImage: str
    tags: NotRequired[dict[str, str]]
    workingDirectory: NotRequired[str]
    targetRepository: "TargetContainerRepository"
    kmsKeyId: NotRequired[str]
    clientToken: str
    dryRun: NotRequired[bool]


class CreateContainerRecipeResponse(TypedDict, total=False):
    requestId: str
    clientToken: str
    containerRecipeArn: str
    latestVersionReferences: "LatestVersionReferences"


class CreateDistributionConfigurationRequest(TypedDict):
    name: str
    description: NotRequired[str]
    distributions: list["Distribution"]
    tags: NotRequired[dict[str, str]]
    clientToken: str
    dryRun: NotRequired[bool]


class CreateDistributionConfigurationResponse(TypedDict, total=False):
    requestId: str
    clientToken: str
    distributionConfigurationArn: str


class CreateImagePipelineRequest(TypedDict):
    name: str
    description: NotRequired[str]
    imageRecipeArn: NotRequired[str]
    containerRecipeArn: NotRequired[str]
    infrastructureConfigurationArn: str
    distributionConfigurationArn: NotRequired[str]
    imageTestsConfiguration: NotRequired["ImageTestsConfiguration"]
    enhancedImageMetadataEnabled: NotRequired[bool]
    schedule: NotRequired["Schedule"]
    status: NotRequired[PipelineStatus]
    tags: NotRequired[dict[str, str]]
    imageTags: NotRequired[dict[str, str]]
    clientToken: str
    imageScanningConfiguration: NotRequired["ImageScanningConfiguration"]
    workflows: NotRequired[list["WorkflowConfiguration"]]
    executionRole: NotRequired[str]
    loggingConfiguration: NotRequired["PipelineLoggingConfiguration"]
    dryRun: NotRequired[bool]


class CreateImagePipelineResponse(TypedDict, total=False):
    requestId: str
    clientToken: str
    imagePipelineArn: str


class CreateImageRecipeRequest(TypedDict):
    name: str
    description: NotRequired[str]
    semanticVersion: str
    components: NotRequired[list["ComponentConfiguration"]]
    parentImage: str
    blockDeviceMappings: NotRequired[list["InstanceBlockDeviceMapping"]]
    tags: NotRequired[dict[str, str]]
    workingDirectory: NotRequired[str]
    additionalInstanceConfiguration: NotRequired["AdditionalInstanceConfiguration"]
    amiTags: NotRequired[dict[str, str]]
    amiWatermarks: NotRequired[list[str]]
    clientToken: str
    dryRun: NotRequired[bool]


class CreateImageRecipeResponse(TypedDict, total=False):
    requestId: str
    clientToken: str
    imageRecipeArn: str
    latestVersionReferences: "LatestVersionReferences"


class CreateImageRequest(TypedDict):
    imageRecipeArn: NotRequired[str]
    containerRecipeArn: NotRequired[str]
    distributionConfigurationArn: NotRequired[str]
    infrastructureConfigurationArn: str
    imageTestsConfiguration: NotRequired["ImageTestsConfiguration"]
    enhancedImageMetadataEnabled: NotRequired[bool]
    tags: NotRequired[dict[str, str]]
    clientToken: str
    imageScanningConfiguration: NotRequired["ImageScanningConfiguration"]
    workflows: NotRequired[list["WorkflowConfiguration"]]
    executionRole: NotRequired[str]
    loggingConfiguration: NotRequired["ImageLoggingConfiguration"]


class CreateImageResponse(TypedDict, total=False):
    requestId: str
    clientToken: str
    imageBuildVersionArn: str
    latestVersionReferences: "LatestVersionReferences"


class CreateInfrastructureConfigurationRequest(TypedDict):
    name: str
    description: NotRequired[str]
    instanceTypes: NotRequired[list[str]]
    instanceProfileName: str
    securityGroupIds: NotRequired[list[str]]
    subnetId: NotRequired[str]
    logging: NotRequired["Logging"]
    keyPair: NotRequired[str]
    terminateInstanceOnFailure: NotRequired[bool]
    terminateInstanceOnCompletion: NotRequired[bool]
    snsTopicArn: NotRequired[str]
    resourceTags: NotRequired[dict[str, str]]
    instanceMetadataOptions: NotRequired["InstanceMetadataOptions"]
    tags: NotRequired[dict[str, str]]
    placement: NotRequired["Placement"]
    parentInstance: NotRequired["ParentInstanceConfiguration"]
    clientToken: str
    dryRun: NotRequired[bool]


class CreateInfrastructureConfigurationResponse(TypedDict, total=False):
    requestId: str
    clientToken: str
    infrastructureConfigurationArn: str


class CreateLifecyclePolicyRequest(TypedDict):
    name: str
    description: NotRequired[str]
    status: NotRequired[LifecyclePolicyStatus]
    executionRole: str
    resourceType: LifecyclePolicyResourceType
    policyDetails: list["LifecyclePolicyDetail"]
    resourceSelection: "LifecyclePolicyResourceSelection"
    tags: NotRequired[dict[str, str]]
    clientToken: str
    dryRun: NotRequired[bool]


class CreateLifecyclePolicyResponse(TypedDict, total=False):
    clientToken: str
    lifecyclePolicyArn: str


class CreateWorkflowRequest(TypedDict):
    name: str
    semanticVersion: str
    description: NotRequired[str]
    changeDescription: NotRequired[str]
    data: NotRequired[str]
    uri: NotRequired[str]
    kmsKeyId: NotRequired[str]
    tags: NotRequired[dict[str, str]]
    clientToken: str
    type: WorkflowType
    dryRun: NotRequired[bool]


class CreateWorkflowResponse(TypedDict, total=False):
    clientToken: str
    workflowBuildVersionArn: str
    latestVersionReferences: "LatestVersionReferences"


class CvssScore(TypedDict, total=False):
    baseScore: float
    scoringVector: str
    version: str
    source: str


class CvssScoreAdjustment(TypedDict, total=False):
    metric: str
    reason: str


class CvssScoreDetails(TypedDict, total=False):
    scoreSource: str
    cvssSource: str
    version: str
    score: float
    scoringVector: str
    adjustments: list["CvssScoreAdjustment"]


class DeleteComponentRequest(TypedDict):
    componentBuildVersionArn: str


class DeleteComponentResponse(TypedDict, total=False):
    requestId: str
    componentBuildVersionArn: str


class DeleteContainerRecipeRequest(TypedDict):
    containerRecipeArn: str


class DeleteContainerRecipeResponse(TypedDict, total=False):
    requestId: str
    containerRecipeArn: str


class DeleteDistributionConfigurationRequest(TypedDict):
    distributionConfigurationArn: str


class DeleteDistributionConfigurationResponse(TypedDict, total=False):
    requestId: str
    distributionConfigurationArn: str


class DeleteImagePipelineRequest(TypedDict):
    imagePipelineArn: str


class DeleteImagePipelineResponse(TypedDict, total=False):
    requestId: str
    imagePipelineArn: str


class DeleteImageRecipeRequest(TypedDict):
    imageRecipeArn: str


class DeleteImageRecipeResponse(TypedDict, total=False):
    requestId: str
    imageRecipeArn: str


class DeleteImageRequest(TypedDict):
    imageBuildVersionArn: str


class DeleteImageResponse(TypedDict, total=False):
    requestId: str
    imageBuildVersionArn: str


class DeleteInfrastructureConfigurationRequest(TypedDict):
    infrastructureConfigurationArn: str


class DeleteInfrastructureConfigurationResponse(TypedDict, total=False):
    requestId: str
    infrastructureConfigurationArn: str


class DeleteLifecyclePolicyRequest(TypedDict):
    lifecyclePolicyArn: str


class DeleteLifecyclePolicyResponse(TypedDict, total=False):
    lifecyclePolicyArn: str


class DeleteWorkflowRequest(TypedDict):
    workflowBuildVersionArn: str


class DeleteWorkflowResponse(TypedDict, total=False):
    workflowBuildVersionArn: str


class DistributeImageRequest(TypedDict):
    sourceImage: str
    distributionConfigurationArn: str
    executionRole: str
    tags: NotRequired[dict[str, str]]
    clientToken: str
    loggingConfiguration: NotRequired["ImageLoggingConfiguration"]


class DistributeImageResponse(TypedDict, total=False):
    clientToken: str
    imageBuildVersionArn: str


class Distribution(TypedDict):
    region: str
    amiDistributionConfiguration: NotRequired["AmiDistributionConfiguration"]
    containerDistributionConfiguration: NotRequired["ContainerDistributionConfiguration"]
    licenseConfigurationArns: NotRequired[list[str]]
    launchTemplateConfigurations: NotRequired[list["LaunchTemplateConfiguration"]]
    s3ExportConfiguration: NotRequired["S3ExportConfiguration"]
    fastLaunchConfigurations: NotRequired[list["FastLaunchConfiguration"]]
    ssmParameterConfigurations: NotRequired[list["SsmParameterConfiguration"]]


class DistributionConfiguration(TypedDict, total=False):
    arn: str
    name: str
    description: str
    distributions: list["Distribution"]
    timeoutMinutes: int
    dateCreated: str
    dateUpdated: str
    tags: dict[str, str]


class DistributionConfigurationSummary(TypedDict, total=False):
    arn: str
    name: str
    description: str
    dateCreated: str
    dateUpdated: str
    tags: dict[str, str]
    regions: list[str]


class DistributionFailureContext(TypedDict, total=False):
    errorMessage: str
    regionFailures: list["RegionFailure"]


class EbsInstanceBlockDeviceSpecification(TypedDict, total=False):
    encrypted: bool
    deleteOnTermination: bool
    iops: int
    kmsKeyId: str
    snapshotId: str
    volumeSize: int
    volumeType: EbsVolumeType
    throughput: int


class EcrConfiguration(TypedDict, total=False):
    repositoryName: str
    containerTags: list[str]


class FastLaunchConfiguration(TypedDict):
    enabled: bool
    snapshotConfiguration: NotRequired["FastLaunchSnapshotConfiguration"]
    maxParallelLaunches: NotRequired[int]
    launchTemplate: NotRequired["FastLaunchLaunchTemplateSpecification"]
    accountId: NotRequired[str]


class FastLaunchLaunchTemplateSpecification(TypedDict, total=False):
    launchTemplateId: str
    launchTemplateName: str
    launchTemplateVersion: str


class FastLaunchSnapshotConfiguration(TypedDict, total=False):
    targetResourceCount: int


class Filter(TypedDict, total=False):
    name: str
    values: list[str]


class GetComponentPolicyRequest(TypedDict):
    componentArn: str


class GetComponentPolicyResponse(TypedDict, total=False):
    requestId: str
    policy: str


class GetComponentRequest(TypedDict):
    componentBuildVersionArn: str


class GetComponentResponse(TypedDict, total=False):
    requestId: str
    component: "Component"
    latestVersionReferences: "LatestVersionReferences"


class GetContainerRecipePolicyRequest(TypedDict):
    containerRecipeArn: str


class GetContainerRecipePolicyResponse(TypedDict, total=False):
    requestId: str
    policy: str


class GetContainerRecipeRequest(TypedDict):
    containerRecipeArn: str


class GetContainerRecipeResponse(TypedDict, total=False):
    requestId: str
    containerRecipe: "ContainerRecipe"
    latestVersionReferences: "LatestVersionReferences"


class GetDistributionConfigurationRequest(TypedDict):
    distributionConfigurationArn: str


class GetDistributionConfigurationResponse(TypedDict, total=False):
    requestId: str
    distributionConfiguration: "DistributionConfiguration"


class GetImagePipelineRequest(TypedDict):
    imagePipelineArn: str


class GetImagePipelineResponse(TypedDict, total=False):
    requestId: str
    imagePipeline: "ImagePipeline"


class GetImagePolicyRequest(TypedDict):
    imageArn: str


class GetImagePolicyResponse(TypedDict, total=False):
    requestId: str
    policy: str


class GetImageRecipePolicyRequest(TypedDict):
    imageRecipeArn: str


class GetImageRecipePolicyResponse(TypedDict, total=False):
    requestId: str
    policy: str


class GetImageRecipeRequest(TypedDict):
    imageRecipeArn: str


class GetImageRecipeResponse(TypedDict, total=False):
    requestId: str
    imageRecipe: "ImageRecipe"
    latestVersionReferences: "LatestVersionReferences"


class GetImageRequest(TypedDict):
    imageBuildVersionArn: str


class GetImageResponse(TypedDict, total=False):
    requestId: str
    image: "Image"
    latestVersionReferences: "LatestVersionReferences"


class GetInfrastructureConfigurationRequest(TypedDict):
    infrastructureConfigurationArn: str


class GetInfrastructureConfigurationResponse(TypedDict, total=False):
    requestId: str
    infrastructureConfiguration: "InfrastructureConfiguration"


class GetLifecycleExecutionRequest(TypedDict):
    lifecycleExecutionId: str


class GetLifecycleExecutionResponse(TypedDict, total=False):
    lifecycleExecution: "LifecycleExecution"


class GetLifecyclePolicyRequest(TypedDict):
    lifecyclePolicyArn: str


class GetLifecyclePolicyResponse(TypedDict, total=False):
    lifecyclePolicy: "LifecyclePolicy"


class GetMarketplaceResourceRequest(TypedDict):
    resourceType: MarketplaceResourceType
    resourceArn: str
    resourceLocation: NotRequired[str]


class GetMarketplaceResourceResponse(TypedDict, total=False):
    resourceArn: str
    url: str
    data: str


class GetWorkflowExecutionRequest(TypedDict):
    workflowExecutionId: str


class GetWorkflowExecutionResponse(TypedDict, total=False):
    requestId: str
    workflowBuildVersionArn: str
    workflowExecutionId: str
    imageBuildVersionArn: str
    type: WorkflowType
    status: WorkflowExecutionStatus
    message: str
    totalStepCount: int
    totalStepsSucceeded: int
    totalStepsFailed: int
    totalStepsSkipped: int
    startTime: str
    endTime: str
    parallelGroup: str


class GetWorkflowRequest(TypedDict):
    workflowBuildVersionArn: str


class GetWorkflowResponse(TypedDict, total=False):
    workflow: "Workflow"
    latestVersionReferences: "LatestVersionReferences"


class GetWorkflowStepExecutionRequest(TypedDict):
    stepExecutionId: str


class GetWorkflowStepExecutionResponse(TypedDict, total=False):
    requestId: str
    stepExecutionId: str
    workflowBuildVersionArn: str
    workflowExecutionId: str
    imageBuildVersionArn: str
    name: str
    description: str
    action: str
    status: WorkflowStepExecutionStatus
    rollbackStatus: WorkflowStepExecutionRollbackStatus
    message: str
    inputs: str
    outputs: str
    startTime: str
    endTime: str
    onFailure: str
    timeoutSeconds: int
    attemptNumber: int
    maxAttempts: int


class Image(TypedDict, total=False):
    arn: str
    type: ImageType
    name: str
    version: str
    platform: Platform
    enhancedImageMetadataEnabled: bool
    osVersion: str
    state: "ImageState"
    imageRecipe: "ImageRecipe"
    containerRecipe: "ContainerRecipe"
    sourcePipelineName: str
    sourcePipelineArn: str
    infrastructureConfiguration: "InfrastructureConfiguration"
    distributionConfiguration: "DistributionConfiguration"
    imageTestsConfiguration: "ImageTestsConfiguration"
    dateCreated: str
    outputResources: "OutputResources"
    tags: dict[str, str]
    buildType: BuildType
    imageSource: ImageSource
    scanState: "ImageScanState"
    imageScanningConfiguration: "ImageScanningConfiguration"
    deprecationTime: float
    lifecycleExecutionId: str
    executionRole: str
    workflows: list["WorkflowConfiguration"]
    loggingConfiguration: "ImageLoggingConfiguration"


class ImageAggregation(TypedDict, total=False):
    imageBuildVersionArn: str
    severityCounts: "SeverityCounts"


class ImageFailureContext(TypedDict, total=False):
    imageStatus: ImageStatus
    workflowExecutionId: str
    workflowArn: str
    stepExecutionId: str
    failedStep: str
    componentFailure: "ComponentFailureContext"
    distributionFailure: "DistributionFailureContext"


class ImageLoggingConfiguration(TypedDict, total=False):
    logGroupName: str


class ImagePackage(TypedDict, total=False):
    packageName: str
    packageVersion: str


class ImagePipeline(TypedDict, total=False):
    arn: str
    name: str
    description: str
    platform: Platform
    enhancedImageMetadataEnabled: bool
    imageRecipeArn: str
    containerRecipeArn: str
    infrastructureConfigurationArn: str
    distributionConfigurationArn: str
    imageTestsConfiguration: "ImageTestsConfiguration"
    schedule: "Schedule"
    status: PipelineStatus
    dateCreated: str
    dateUpdated: str
    dateLastRun: str
    lastRunStatus: ImageStatus
    dateNextRun: str
    tags: dict[str, str]
    imageScanningConfiguration: "ImageScanningConfiguration"
    imageTags: dict[str, str]
    executionRole: str
    workflows: list["WorkflowConfiguration"]
    loggingConfiguration: "PipelineLoggingConfiguration"
    consecutiveFailures: int


class ImagePipelineAggregation(TypedDict, total=False):
    imagePipelineArn: str
    severityCounts: "SeverityCounts"


class ImageRecipe(TypedDict, total=False):
    arn: str
    type: ImageType
    name: str
    description: str
    platform: Platform
    owner: str
    version: str
    components: list["ComponentConfiguration"]
    parentImage: str
    blockDeviceMappings: list["InstanceBlockDeviceMapping"]
    dateCreated: str
    tags: dict[str, str]
    workingDirectory: str
    additionalInstanceConfiguration: "AdditionalInstanceConfiguration"
    amiTags: dict[str, str]
    amiWatermarks: list[str]


class ImageRecipeSummary(TypedDict, total=False):
    arn: str
    name: str
    platform: Platform
    owner: str
    parentImage: str
    dateCreated: str
    tags: dict[str, str]


class ImageScanFinding(TypedDict, total=False):
    awsAccountId: str
    imageBuildVersionArn: str
    imagePipelineArn: str
    type: str
    description: str
    title: str
    remediation: "Remediation"
    severity: str
    firstObservedAt: float
    updatedAt: float
    inspectorScore: float
    inspectorScoreDetails: "InspectorScoreDetails"
    packageVulnerabilityDetails: "PackageVulnerabilityDetails"
    fixAvailable: str


class ImageScanFindingAggregation(TypedDict, total=False):
    accountAggregation: "AccountAggregation"
    imageAggregation: "ImageAggregation"
    imagePipelineAggregation: "ImagePipelineAggregation"
    vulnerabilityIdAggregation: "VulnerabilityIdAggregation"


class ImageScanFindingsFilter(TypedDict, total=False):
    name: str
    values: list[str]


class ImageScanState(TypedDict, total=False):
    status: ImageScanStatus
    reason: str


class ImageScanningConfiguration(TypedDict, total=False):
    imageScanningEnabled: bool
    ecrConfiguration: "EcrConfiguration"
    imageScanningTypes: list[ImageScanningType]
    scanResultCondition: "ScanResultCondition"


class ImageState(TypedDict, total=False):
    status: ImageStatus
    reason: str
    failureContext: "ImageFailureContext"


class ImageSummary(TypedDict, total=False):
    arn: str
    name: str
    type: ImageType
    version: str
    platform: Platform
    osVersion: str
    state: "ImageState"
    owner: str
    dateCreated: str
    outputResources: "OutputResources"
    tags: dict[str, str]
    buildType: BuildType
    imageSource: ImageSource
    deprecationTime: float
    lifecycleExecutionId: str
    loggingConfiguration: "ImageLoggingConfiguration"


class ImageTestsConfiguration(TypedDict, total=False):
    imageTestsEnabled: bool
    timeoutMinutes: int


class ImageVersion(TypedDict, total=False):
    arn: str
    name: str
    type: ImageType
    version: str
    platform: Platform
    osVersion: str
    owner: str
    dateCreated: str
    buildType: BuildType
    imageSource: ImageSource


class ImportComponentRequest(TypedDict):
    name: str
    semanticVersion: str
    description: NotRequired[str]
    changeDescription: NotRequired[str]
    type: ComponentType
    format: ComponentFormat
    platform: Platform
    data: NotRequired[str]
    uri: NotRequired[str]
    kmsKeyId: NotRequired[str]
    tags: NotRequired[dict[str, str]]
    clientToken: str


class ImportComponentResponse(TypedDict, total=False):
    requestId: str
    clientToken: str
    componentBuildVersionArn: str


class ImportDiskImageRequest(TypedDict):
    name: str
    semanticVersion: str
    description: NotRequired[str]
    platform: str
    osVersion: str
    executionRole: NotRequired[str]
    infrastructureConfigurationArn: str
    uri: str
    loggingConfiguration: NotRequired["ImageLoggingConfiguration"]
    tags: NotRequired[dict[str, str]]
    registerImageOptions: NotRequired["RegisterImageOptions"]
    windowsConfiguration: NotRequired["WindowsConfiguration"]
    clientToken: str


class ImportDiskImageResponse(TypedDict, total=False):
    clientToken: str
    imageBuildVersionArn: str


class ImportVmImageRequest(TypedDict):
    name: str
    semanticVersion: str
    description: NotRequired[str]
    platform: Platform
    osVersion: NotRequired[str]
    vmImportTaskId: str
    loggingConfiguration: NotRequired["ImageLoggingConfiguration"]
    tags: NotRequired[dict[str, str]]
    clientToken: str


class ImportVmImageResponse(TypedDict, total=False):
    requestId: str
    imageArn: str
    clientToken: str


class InfrastructureConfiguration(TypedDict, total=False):
    arn: str
    name: str
    description: str
    instanceTypes: list[str]
    instanceProfileName: str
    securityGroupIds: list[str]
    subnetId: str
    logging: "Logging"
    keyPair: str
    terminateInstanceOnFailure: bool
    snsTopicArn: str
    dateCreated: str
    dateUpdated: str
    resourceTags: dict[str, str]
    instanceMetadataOptions: "InstanceMetadataOptions"
    tags: dict[str, str]
    placement: "Placement"
    terminateInstanceOnCompletion: bool
    parentInstance: "ParentInstanceConfiguration"


class InfrastructureConfigurationSummary(TypedDict, total=False):
    arn: str
    name: str
    description: str
    dateCreated: str
    dateUpdated: str
    resourceTags: dict[str, str]
    tags: dict[str, str]
    instanceTypes: list[str]
    instanceProfileName: str
    placement: "Placement"


class InspectorScoreDetails(TypedDict, total=False):
    adjustedCvss: "CvssScoreDetails"


class InstanceBlockDeviceMapping(TypedDict, total=False):
    deviceName: str
    ebs: "EbsInstanceBlockDeviceSpecification"
    virtualName: str
    noDevice: str


class InstanceConfiguration(TypedDict, total=False):
    image: str
    blockDeviceMappings: list["InstanceBlockDeviceMapping"]


class InstanceMetadataOptions(TypedDict, total=False):
    httpTokens: str
    httpPutResponseHopLimit: int


class LatestVersionReferences(TypedDict, total=False):
    latestVersionArn: str
    latestMajorVersionArn: str
    latestMinorVersionArn: str
    latestPatchVersionArn: str


class LaunchPermissionConfiguration(TypedDict, total=False):
    userIds: list[str]
    userGroups: list[str]
    organizationArns: list[str]
    organizationalUnitArns: list[str]


class LaunchTemplateConfiguration(TypedDict):
    launchTemplateId: str
    accountId: NotRequired[str]
    setDefaultVersion: NotRequired[bool]


class LifecycleExecution(TypedDict, total=False):
    lifecycleExecutionId: str
    lifecyclePolicyArn: str
    resourcesImpactedSummary: "LifecycleExecutionResourcesImpactedSummary"
    state: "LifecycleExecutionState"
    startTime: float
    endTime: float


class LifecycleExecutionResource(TypedDict, total=False):
    accountId: str
    resourceId: str
    state: "LifecycleExecutionResourceState"
    action: "LifecycleExecutionResourceAction"
    region: str
    snapshots: list["LifecycleExecutionSnapshotResource"]
    imageUris: list[str]
    startTime: float
    endTime: float


class LifecycleExecutionResourceAction(TypedDict, total=False):
    name: LifecycleExecutionResourceActionName
    reason: str


class LifecycleExecutionResourceState(TypedDict, total=False):
    status: LifecycleExecutionResourceStatus
    reason: str


class LifecycleExecutionResourcesImpactedSummary(TypedDict, total=False):
    hasImpactedResources: bool


class LifecycleExecutionSnapshotResource(TypedDict, total=False):
    snapshotId: str
    state: "LifecycleExecutionResourceState"


class LifecycleExecutionState(TypedDict, total=False):
    status: LifecycleExecutionStatus
    reason: str


class LifecyclePolicy(TypedDict, total=False):
    arn: str
    name: str
    description: str
    status: LifecyclePolicyStatus
    executionRole: str
    resourceType: LifecyclePolicyResourceType
    policyDetails: list["LifecyclePolicyDetail"]
    resourceSelection: "LifecyclePolicyResourceSelection"
    dateCreated: float
    dateUpdated: float
    dateLastRun: float
    tags: dict[str, str]


class LifecyclePolicyDetail(TypedDict):
    action: "LifecyclePolicyDetailAction"
    filter: "LifecyclePolicyDetailFilter"
    exclusionRules: NotRequired["LifecyclePolicyDetailExclusionRules"]


class LifecyclePolicyDetailAction(TypedDict):
    type: LifecyclePolicyDetailActionType
    includeResources: NotRequired["LifecyclePolicyDetailActionIncludeResources"]


class LifecyclePolicyDetailActionIncludeResources(TypedDict, total=False):
    amis: bool
    snapshots: bool
    containers: bool


class LifecyclePolicyDetailExclusionRules(TypedDict, total=False):
    tagMap: dict[str, str]
    amis: "LifecyclePolicyDetailExclusionRulesAmis"


class LifecyclePolicyDetailExclusionRulesAmis(TypedDict, total=False):
    isPublic: bool
    regions: list[str]
    sharedAccounts: list[str]
    lastLaunched: "LifecyclePolicyDetailExclusionRulesAmisLastLaunched"
    tagMap: dict[str, str]


class LifecyclePolicyDetailExclusionRulesAmisLastLaunched(TypedDict):
    value: int
    unit: LifecyclePolicyTimeUnit


class LifecyclePolicyDetailFilter(TypedDict):
    type: LifecyclePolicyDetailFilterType
    value: int
    unit: NotRequired[LifecyclePolicyTimeUnit]
    retainAtLeast: NotRequired[int]


class LifecyclePolicyResourceSelection(TypedDict, total=False):
    recipes: list["LifecyclePolicyResourceSelectionRecipe"]
    tagMap: dict[str, str]


class LifecyclePolicyResourceSelectionRecipe(TypedDict):
    name: str
    semanticVersion: str


class LifecyclePolicySummary(TypedDict, total=False):
    arn: str
    name: str
    description: str
    status: LifecyclePolicyStatus
    executionRole: str
    resourceType: LifecyclePolicyResourceType
    dateCreated: float
    dateUpdated: float
    dateLastRun: float
    tags: dict[str, str]


class ListComponentBuildVersionsRequest(TypedDict, total=False):
    componentVersionArn: str
    maxResults: int
    nextToken: str


class ListComponentBuildVersionsResponse(TypedDict, total=False):
    requestId: str
    componentSummaryList: list["ComponentSummary"]
    nextToken: str


class ListComponentsRequest(TypedDict, total=False):
    owner: Ownership
    filters: list["Filter"]
    byName: bool
    maxResults: int
    nextToken: str


class ListComponentsResponse(TypedDict, total=False):
    requestId: str
    componentVersionList: list["ComponentVersion"]
    nextToken: str


class ListContainerRecipesRequest(TypedDict, total=False):
    owner: Ownership
    filters: list["Filter"]
    maxResults: int
    nextToken: str


class ListContainerRecipesResponse(TypedDict, total=False):
    requestId: str
    containerRecipeSummaryList: list["ContainerRecipeSummary"]
    nextToken: str


class ListDistributionConfigurationsRequest(TypedDict, total=False):
    filters: list["Filter"]
    maxResults: int
    nextToken: str


class ListDistributionConfigurationsResponse(TypedDict, total=False):
    requestId: str
    distributionConfigurationSummaryList: list["DistributionConfigurationSummary"]
    nextToken: str


class ListImageBuildVersionsRequest(TypedDict, total=False):
    imageVersionArn: str
    filters: list["Filter"]
    maxResults: int
    nextToken: str


class ListImageBuildVersionsResponse(TypedDict, total=False):
    requestId: str
    imageSummaryList: list["ImageSummary"]
    nextToken: str


class ListImagePackagesRequest(TypedDict):
    imageBuildVersionArn: str
    maxResults: NotRequired[int]
    nextToken: NotRequired[str]


class ListImagePackagesResponse(TypedDict, total=False):
    requestId: str
    imagePackageList: list["ImagePackage"]
    nextToken: str


class ListImagePipelineImagesRequest(TypedDict):
    imagePipelineArn: str
    filters: NotRequired[list["Filter"]]
    maxResults: NotRequired[int]
    nextToken: NotRequired[str]


class ListImagePipelineImagesResponse(TypedDict, total=False):
    requestId: str
    imageSummaryList: list["ImageSummary"]
    nextToken: str


class ListImagePipelinesRequest(TypedDict, total=False):
    filters: list["Filter"]
    maxResults: int
    nextToken: str


class ListImagePipelinesResponse(TypedDict, total=False):
    requestId: str
    imagePipelineList: list["ImagePipeline"]
    nextToken: str


class ListImageRecipesRequest(TypedDict, total=False):
    owner: Ownership
    filters: list["Filter"]
    maxResults: int
    nextToken: str


class ListImageRecipesResponse(TypedDict, total=False):
    requestId: str
    imageRecipeSummaryList: list["ImageRecipeSummary"]
    nextToken: str


class ListImageScanFindingAggregationsRequest(TypedDict, total=False):
    filter: "Filter"
    nextToken: str


class ListImageScanFindingAggregationsResponse(TypedDict, total=False):
    requestId: str
    aggregationType: str
    responses: list["ImageScanFindingAggregation"]
    nextToken: str


class ListImageScanFindingsRequest(TypedDict, total=False):
    filters: list["ImageScanFindingsFilter"]
    maxResults: int
    nextToken: str


class ListImageScanFindingsResponse(TypedDict, total=False):
    requestId: str
    findings: list["ImageScanFinding"]
    nextToken: str


class ListImagesRequest(TypedDict, total=False):
    owner: Ownership
    filters: list["Filter"]
    byName: bool
    maxResults: int
    nextToken: str
    includeDeprecated: bool


class ListImagesResponse(TypedDict, total=False):
    requestId: str
    imageVersionList: list["ImageVersion"]
    nextToken: str


class ListInfrastructureConfigurationsRequest(TypedDict, total=False):
    filters: list["Filter"]
    maxResults: int
    nextToken: str


class ListInfrastructureConfigurationsResponse(TypedDict, total=False):
    requestId: str
    infrastructureConfigurationSummaryList: list["InfrastructureConfigurationSummary"]
    nextToken: str


class ListLifecycleExecutionResourcesRequest(TypedDict):
    lifecycleExecutionId: str
    parentResourceId: NotRequired[str]
    maxResults: NotRequired[int]
    nextToken: NotRequired[str]


class ListLifecycleExecutionResourcesResponse(TypedDict, total=False):
    lifecycleExecutionId: str
    lifecycleExecutionState: "LifecycleExecutionState"
    resources: list["LifecycleExecutionResource"]
    nextToken: str


class ListLifecycleExecutionsRequest(TypedDict):
    maxResults: NotRequired[int]
    nextToken: NotRequired[str]
    resourceArn: str


class ListLifecycleExecutionsResponse(TypedDict, total=False):
    lifecycleExecutions: list["LifecycleExecution"]
    nextToken: str


class ListLifecyclePoliciesRequest(TypedDict, total=False):
    filters: list["Filter"]
    maxResults: int
    nextToken: str


class ListLifecyclePoliciesResponse(TypedDict, total=False):
    lifecyclePolicySummaryList: list["LifecyclePolicySummary"]
    nextToken: str


class ListTagsForResourceRequest(TypedDict):
    resourceArn: str


class ListTagsForResourceResponse(TypedDict, total=False):
    tags: dict[str, str]


class ListWaitingWorkflowStepsRequest(TypedDict, total=False):
    maxResults: int
    nextToken: str


class ListWaitingWorkflowStepsResponse(TypedDict, total=False):
    steps: list["WorkflowStepExecution"]
    nextToken: str


class ListWorkflowBuildVersionsRequest(TypedDict, total=False):
    workflowVersionArn: str
    maxResults: int
    nextToken: str


class ListWorkflowBuildVersionsResponse(TypedDict, total=False):
    workflowSummaryList: list["WorkflowSummary"]
    nextToken: str


class ListWorkflowExecutionsRequest(TypedDict):
    maxResults: NotRequired[int]
    nextToken: NotRequired[str]
    imageBuildVersionArn: str


class ListWorkflowExecutionsResponse(TypedDict, total=False):
    requestId: str
    workflowExecutions: list["WorkflowExecutionMetadata"]
    imageBuildVersionArn: str
    message: str
    nextToken: str


class ListWorkflowStepExecutionsRequest(TypedDict):
    maxResults: NotRequired[int]
    nextToken: NotRequired[str]
    workflowExecutionId: str


class ListWorkflowStepExecutionsResponse(TypedDict, total=False):
    requestId: str
    steps: list["WorkflowStepMetadata"]
    workflowBuildVersionArn: str
    workflowExecutionId: str
    imageBuildVersionArn: str
    message: str
    nextToken: str


class ListWorkflowsRequest(TypedDict, total=False):
    owner: Ownership
    filters: list["Filter"]
    byName: bool
    maxResults: int
    nextToken: str


class ListWorkflowsResponse(TypedDict, total=False):
    workflowVersionList: list["WorkflowVersion"]
    nextToken: str


class Logging(TypedDict, total=False):
    s3Logs: "S3Logs"


class OutputResources(TypedDict, total=False):
    amis: list["Ami"]
    containers: list["Container"]


class PackageVulnerabilityDetails(TypedDict, total=False):
    vulnerabilityId: str
    vulnerablePackages: list["VulnerablePackage"]
    source: str
    cvss: list["CvssScore"]
    relatedVulnerabilities: list[str]
    sourceUrl: str
    vendorSeverity: str
    vendorCreatedAt: float
    vendorUpdatedAt: float
    referenceUrls: list[str]


class ParentInstanceConfiguration(TypedDict):
    autoScalingGroup: "AutoScalingGroupConfiguration"


class PipelineLoggingConfiguration(TypedDict, total=False):
    imageLogGroupName: str
    pipelineLogGroupName: str


class Placement(TypedDict, total=False):
    availabilityZone: str
    tenancy: TenancyType
    hostId: str
    hostResourceGroupArn: str


class ProductCodeListItem(TypedDict, total=False):
    productCodeId: str
    productCodeType: ProductCodeType


class PutComponentPolicyRequest(TypedDict):
    componentArn: str
    policy: str


class PutComponentPolicyResponse(TypedDict, total=False):
    requestId: str
    componentArn: str


class PutContainerRecipePolicyRequest(TypedDict):
    containerRecipeArn: str
    policy: str


class PutContainerRecipePolicyResponse(TypedDict, total=False):
    requestId: str
    containerRecipeArn: str


class PutImagePolicyRequest(TypedDict):
    imageArn: str
    policy: str


class PutImagePolicyResponse(TypedDict, total=False):
    requestId: str
    imageArn: str


class PutImageRecipePolicyRequest(TypedDict):
    imageRecipeArn: str
    policy: str


class PutImageRecipePolicyResponse(TypedDict, total=False):
    requestId: str
    imageRecipeArn: str


class RegionFailure(TypedDict, total=False):
    region: str
    status: RegionFailureStatus
    imageConfigurationStep: ImageConfigurationStep
    errorMessage: str
    targetAccountId: str


class RegisterImageOptions(TypedDict, total=False):
    secureBootEnabled: bool
    uefiData: str


class Remediation(TypedDict, total=False):
    recommendation: "RemediationRecommendation"


class RemediationRecommendation(TypedDict, total=False):
    text: str
    url: str


class ResourceState(TypedDict, total=False):
    status: ResourceStatus


class ResourceStateUpdateExclusionRules(TypedDict, total=False):
    amis: "LifecyclePolicyDetailExclusionRulesAmis"


class ResourceStateUpdateIncludeResources(TypedDict, total=False):
    amis: bool
    snapshots: bool
    containers: bool


class RetryImageRequest(TypedDict):
    imageBuildVersionArn: str
    clientToken: str


class RetryImageResponse(TypedDict, total=False):
    clientToken: str
    imageBuildVersionArn: str


class S3ExportConfiguration(TypedDict):
    roleName: str
    diskImageFormat: DiskImageFormat
    s3Bucket: str
    s3Prefix: NotRequired[str]


class S3Logs(TypedDict, total=False):
    s3BucketName: str
    s3KeyPrefix: str


class ScanResultCondition(TypedDict):
    maximumSeverityLabel: MaximumSeverityLabel
    fixAvailable: NotRequired[bool]


class Schedule(TypedDict, total=False):
    scheduleExpression: str
    timezone: str
    pipelineExecutionStartCondition: PipelineExecutionStartCondition
    autoDisablePolicy: "AutoDisablePolicy"


class SendWorkflowStepActionRequest(TypedDict):
    stepExecutionId: str
    imageBuildVersionArn: str
    action: WorkflowStepActionType
    reason: NotRequired[str]
    clientToken: str


class SendWorkflowStepActionResponse(TypedDict, total=False):
    stepExecutionId: str
    imageBuildVersionArn: str
    clientToken: str


class SeverityCounts(TypedDict, total=False):
    all: int
    critical: int
    high: int
    medium: int


class SsmParameterConfiguration(TypedDict):
    amiAccountId: NotRequired[str]
    parameterName: str
    dataType: NotRequired[SsmParameterDataType]


class StartImagePipelineExecutionRequest(TypedDict):
    imagePipelineArn: str
    clientToken: str
    tags: NotRequired[dict[str, str]]


class StartImagePipelineExecutionResponse(TypedDict, total=False):
    requestId: str
    clientToken: str
    imageBuildVersionArn: str


class StartResourceStateUpdateRequest(TypedDict):
    resourceArn: str
    state: "ResourceState"
    executionRole: NotRequired[str]
    includeResources: NotRequired["ResourceStateUpdateIncludeResources"]
    exclusionRules: NotRequired["ResourceStateUpdateExclusionRules"]
    updateAt: NotRequired[float]
    clientToken: str


class StartResourceStateUpdateResponse(TypedDict, total=False):
    lifecycleExecutionId: str
    resourceArn: str


class SystemsManagerAgent(TypedDict, total=False):
    uninstallAfterBuild: bool


class TagResourceRequest(TypedDict):
    resourceArn: str
    tags: dict[str, str]


class TagResourceResponse(TypedDict, total=False):
    pass


class TargetContainerRepository(TypedDict):
    service: ContainerRepositoryService
    repositoryName: str


class UntagResourceRequest(TypedDict):
    resourceArn: str
    tagKeys: list[str]


class UntagResourceResponse(TypedDict, total=False):
    pass


class UpdateDistributionConfigurationRequest(TypedDict):
    distributionConfigurationArn: str
    description: NotRequired[str]
    distributions: list["Distribution"]
    clientToken: str


class UpdateDistributionConfigurationResponse(TypedDict, total=False):
    requestId: str
    clientToken: str
    distributionConfigurationArn: str


class UpdateImagePipelineRequest(TypedDict):
    imagePipelineArn: str
    description: NotRequired[str]
    imageRecipeArn: NotRequired[str]
    containerRecipeArn: NotRequired[str]
    infrastructureConfigurationArn: str
    distributionConfigurationArn: NotRequired[str]
    imageTestsConfiguration: NotRequired["ImageTestsConfiguration"]
    enhancedImageMetadataEnabled: NotRequired[bool]
    schedule: NotRequired["Schedule"]
    status: NotRequired[PipelineStatus]
    clientToken: str
    imageScanningConfiguration: NotRequired["ImageScanningConfiguration"]
    workflows: NotRequired[list["WorkflowConfiguration"]]
    loggingConfiguration: NotRequired["PipelineLoggingConfiguration"]
    executionRole: NotRequired[str]
    imageTags: NotRequired[dict[str, str]]


class UpdateImagePipelineResponse(TypedDict, total=False):
    requestId: str
    clientToken: str
    imagePipelineArn: str


class UpdateInfrastructureConfigurationRequest(TypedDict):
    infrastructureConfigurationArn: str
    description: NotRequired[str]
    instanceTypes: NotRequired[list[str]]
    instanceProfileName: str
    securityGroupIds: NotRequired[list[str]]
    subnetId: NotRequired[str]
    logging: NotRequired["Logging"]
    keyPair: NotRequired[str]
    terminateInstanceOnFailure: NotRequired[bool]
    terminateInstanceOnCompletion: NotRequired[bool]
    snsTopicArn: NotRequired[str]
    resourceTags: NotRequired[dict[str, str]]
    instanceMetadataOptions: NotRequired["InstanceMetadataOptions"]
    placement: NotRequired["Placement"]
    parentInstance: NotRequired["ParentInstanceConfiguration"]
    clientToken: str


class UpdateInfrastructureConfigurationResponse(TypedDict, total=False):
    requestId: str
    clientToken: str
    infrastructureConfigurationArn: str


class UpdateLifecyclePolicyRequest(TypedDict):
    lifecyclePolicyArn: str
    description: NotRequired[str]
    status: NotRequired[LifecyclePolicyStatus]
    executionRole: str
    resourceType: LifecyclePolicyResourceType
    policyDetails: list["LifecyclePolicyDetail"]
    resourceSelection: "LifecyclePolicyResourceSelection"
    clientToken: str


class UpdateLifecyclePolicyResponse(TypedDict, total=False):
    lifecyclePolicyArn: str


class VulnerabilityIdAggregation(TypedDict, total=False):
    vulnerabilityId: str
    severityCounts: "SeverityCounts"


class VulnerablePackage(TypedDict, total=False):
    name: str
    version: str
    sourceLayerHash: str
    epoch: int
    release: str
    arch: str
    packageManager: str
    filePath: str
    fixedInVersion: str
    remediation: str


class WindowsConfiguration(TypedDict):
    imageIndex: int


class Workflow(TypedDict, total=False):
    arn: str
    name: str
    version: str
    description: str
    changeDescription: str
    type: WorkflowType
    state: "WorkflowState"
    owner: str
    data: str
    kmsKeyId: str
    dateCreated: str
    tags: dict[str, str]
    parameters: list["WorkflowParameterDetail"]


class WorkflowConfiguration(TypedDict):
    workflowArn: str
    parameters: NotRequired[list["WorkflowParameter"]]
    parallelGroup: NotRequired[str]
    onFailure: NotRequired[OnWorkflowFailure]


class WorkflowExecutionMetadata(TypedDict, total=False):
    workflowBuildVersionArn: str
    workflowExecutionId: str
    type: WorkflowType
    status: WorkflowExecutionStatus
    message: str
    totalStepCount: int
    totalStepsSucceeded: int
    totalStepsFailed: int
    totalStepsSkipped: int
    startTime: str
    endTime: str
    parallelGroup: str
    retried: bool


class WorkflowParameter(TypedDict):
    name: str
    value: list[str]


class WorkflowParameterDetail(TypedDict, total=False):
    name: str
    type: str
    defaultValue: list[str]
    description: str


class WorkflowState(TypedDict, total=False):
    status: WorkflowStatus
    reason: str


class WorkflowStepExecution(TypedDict, total=False):
    stepExecutionId: str
    imageBuildVersionArn: str
    workflowExecutionId: str
    workflowBuildVersionArn: str
    name: str
    action: str
    startTime: str


class WorkflowStepMetadata(TypedDict, total=False):
    stepExecutionId: str
    name: str
    description: str
    action: str
    status: WorkflowStepExecutionStatus
    rollbackStatus: WorkflowStepExecutionRollbackStatus
    message: str
    inputs: str
    outputs: str
    startTime: str
    endTime: str
    attemptNumber: int
    maxAttempts: int


class WorkflowSummary(TypedDict, total=False):
    arn: str
    name: str
    version: str
    description: str
    changeDescription: str
    type: WorkflowType
    owner: str
    state: "WorkflowState"
    dateCreated: str
    tags: dict[str, str]


class WorkflowVersion(TypedDict, total=False):
    arn: str
    name: str
    version: str
    description: str
    type: WorkflowType
    owner: str
    dateCreated: str
