export { podGcController } from './pod-gc.ts'
