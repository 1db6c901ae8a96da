export { validatingPolicyStatusController } from './validating-policy-status.ts'
