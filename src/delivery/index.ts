export { applyObjects } from './apply/apply-objects.ts'
export { type BringUp, bringUp, takeDown } from './compose/bring-up.ts'
export { type ConvertSources, type Converted, convertProject, objectsOf } from './compose/convert.ts'
export type { Refusal } from './compose/reader.ts'
