export { certificateApprover } from './approver.ts'
export { certificateCleaner } from './cleaner.ts'
export { certificateSigner } from './signer.ts'
