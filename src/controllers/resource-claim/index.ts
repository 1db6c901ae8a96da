export { resourceClaimController } from './resource-claim.ts'
