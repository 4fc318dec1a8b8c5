"""Metrics of a result's quality: PSNR-Y, SSIM-Y, LPIPS, DISTS and NIQE."""
