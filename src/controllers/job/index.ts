export { jobController } from './job.ts'
export { ttlAfterFinishedController } from './ttl-after-finished.ts'
