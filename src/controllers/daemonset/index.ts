export { daemonSetController } from './daemonset.ts'
