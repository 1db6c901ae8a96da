export { legacyTokenCleaner } from './legacy-token-cleaner.ts'
export { type SignLegacyToken, tokenSecretController } from './token-secrets.ts'
