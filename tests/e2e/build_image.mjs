// What a user of the AWS SDK for JavaScript does; prints what came of it as JSON.
import { createRequire } from "node:module";

const [modules, parentImage] = process.argv.slice(2);
const sdk = createRequire(`${modules}/`)("@aws-sdk/client-imagebuilder");
const client = new sdk.ImagebuilderClient({});
const ask = (operation, request) => client.send(new sdk[`${operation}Command`](request));
const name = `javascript-${crypto.randomUUID()}`;

const refused = async (operation, request) => {
  try {
    await ask(operation, request);
  } catch (error) {
    return { name: error.name, isModelled: error instanceof sdk[error.name], message: error.message };
  }
};

const data = `schemaVersion: 1.0
phases:
  - name: build
    steps:
      - {name: Write, action: ExecuteBash, inputs: {commands: [echo made > /javascript]}}
`;
const component = await ask("CreateComponent", { name, semanticVersion: "1.0.0", platform: "Linux", data });
const recipe = await ask("CreateImageRecipe", {
  name,
  semanticVersion: "1.0.0",
  parentImage,
  components: [{ componentArn: component.componentBuildVersionArn }],
  tags: { team: "Ærø 🎉" },
});
const infrastructure = await ask("CreateInfrastructureConfiguration", { name, instanceProfileName: "builder" });
const asked = new Date();
const { imageBuildVersionArn } = await ask("CreateImage", {
  imageRecipeArn: recipe.imageRecipeArn,
  infrastructureConfigurationArn: infrastructure.infrastructureConfigurationArn,
  imageTestsConfiguration: { imageTestsEnabled: false },
});
let image;
do {
  await new Promise((resolve) => setTimeout(resolve, 200));
  ({ image } = await ask("GetImage", { imageBuildVersionArn }));
} while (!["AVAILABLE", "FAILED", "CANCELLED"].includes(image.state.status));

const pages = [];
const paged = sdk.paginateListWorkflowExecutions({ client, pageSize: 1 }, { imageBuildVersionArn });
for await (const page of paged) pages.push(page.workflowExecutions.map((each) => each.type));

console.log(
  JSON.stringify({
    state: image.state,
    amis: image.outputResources.amis.length,
    secondsToCreation: (new Date(image.dateCreated) - asked) / 1000,
    tags: (await ask("GetImageRecipe", { imageRecipeArn: recipe.imageRecipeArn })).imageRecipe.tags,
    pages,
    broken: await refused("CreateWorkflow", { name, semanticVersion: "1.0.0", type: "BUILD", data: "steps: [" }),
    absent: await refused("GetImage", { imageBuildVersionArn: `${imageBuildVersionArn}0` }),
  }),
);
