export {
  type Deployed,
  type Place,
  deleteApplication,
  deploy,
  findApplication,
  revisionsOf,
  rollback,
  setMode,
} from './application/door.ts'
export { awaitApplication } from './application/await-application.ts'
export type { PartChange } from './application/plan/plan-change.ts'
export { type Application, type Mode, applicationRef } from './application/objects.ts'
export { installKinds, servesPlatform } from './platform/install-kinds.ts'
export { platformParts } from './platform/parts.ts'
export { releaseRef } from './release/kinds.ts'
export type { Release, ReleaseSpec } from './release/objects.ts'
export { recordOf } from './release/record/record-of.ts'
export { applyObjects } from './apply/apply-objects.ts'
export { bringUp, takeDown } from './compose/bring-up.ts'
export type { BringUp } from './compose/project.ts'
export { type ConvertSources, type Converted, convertProject, objectsOf } from './compose/convert.ts'
export type { Refusal } from './compose/reader.ts'
