export { type BackOffLimits, backOffMs } from './back-off.ts'
export {
  type Change,
  type ControllerContext,
  type ControllerDefinition,
  type EventRecorder,
  type Informer,
  type Informers,
  type Reconcile,
  type Result,
  type Selection,
  after,
  done,
} from './contract.ts'
export { type ControllerRuntime, type ControllerStats, type RunningController, runControllers } from './controller.ts'
export { Terminal } from './errors.ts'
export { type EventsOptions, createEvents } from './events.ts'
export { InformerCache } from './informer.ts'
export { type InformersOptions, createInformers } from './informers.ts'
export { type LeaseOptions, runWithLease } from './lease.ts'
export { OwnWrites } from './own-writes.ts'
export {
  CONTROLLER_UID_INDEX,
  type Claim,
  adoptPatch,
  claim,
  controllerOf,
  controllerReference,
  indexOwners,
  isControlledBy,
  releasePatch,
} from './owners.ts'
export { type ReflectorSink, reflect } from './reflector.ts'
export { inParallel, slowStart } from './slow-start.ts'
export { compareVersions } from './versions.ts'
