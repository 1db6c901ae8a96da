export { type Progress, type ProgressTarget, createProgress, formatDuration } from './progress.ts'
export { formatTable } from './table.ts'
