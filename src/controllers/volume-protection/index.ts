export { attributesClassProtection, claimProtection, volumeProtection } from './volume-protection.ts'
