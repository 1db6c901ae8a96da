import type { Resource } from '../../resource.ts'
import { cronJobs } from './cron-job.ts'
import { jobs } from './job.ts'

export const batchResources: readonly Resource[] = [cronJobs, jobs]
