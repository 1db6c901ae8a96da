export { cronJobController } from './cronjob.ts'
