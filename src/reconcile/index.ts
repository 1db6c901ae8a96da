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
