export { deviceTaintEvictionController } from './device-taint-eviction.ts'
