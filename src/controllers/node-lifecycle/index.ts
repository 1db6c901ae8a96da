export { nodeLifecycleController } from './node-lifecycle.ts'
