"""Measures of how near a result is to the truth: PSNR-Y, SSIM-Y, LPIPS, DISTS and NIQE."""
