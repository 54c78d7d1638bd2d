// The tour: ten steps.
export const tour = { build() {}, show() {} };
