/** Features that only some processors have and that a profile may add to another one (`--profile ivybridge+invlpgb`). */
export const PROCESSOR_FEATURES = ['invlpgb', 'rar'] as const;
export type ProcessorFeature = (typeof PROCESSOR_FEATURES)[number];
